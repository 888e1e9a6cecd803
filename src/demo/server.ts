/**
 * A FHIR Bulk Data server in this process: a real HTTP server with `$export` at system, Patient and Group level and
 * SMART Backend Services, over synthetic patients or a folder of NDJSON files.
 */
import { readFile } from 'node:fs/promises'
import { systemClock, type Clock } from '../core/clock.ts'
import { silentLog, type Log } from '../core/log.ts'
import { AccessTokens } from './token/access-tokens.ts'
import { PLAIN_BEHAVIOUR, type DemoBehaviour } from './behaviour.ts'
import { CallBudget } from './call-budget.ts'
import { changeStore, type ChangeOptions, type ChangeSummary } from './change.ts'
import type { RegisteredClient } from './token/client-authentication.ts'
import { DataFiles } from './data-files.ts'
import { folderVersions } from './data-folder.ts'
import { ExportJobs } from './job/export-jobs.ts'
import { UrlSigner } from './download/url-signer.ts'
import { monotonicInstants } from './instants.ts'
import { listen, type Listener } from './listener.ts'
import { Editions } from './publish/editions.ts'
import { emptyRequestLog, type DemoRequestLog } from './request-log.ts'
import { demoApplication, storageApplication } from './routes.ts'
import type { DemoState } from './steps.ts'
import { DemoStore } from './store.ts'
import { syntheticVersions } from './synthetic/population.ts'

export interface DemoServerOptions {
  /** 0 for a free one, which is the default. */
  readonly port?: number
  /** Address to listen on; 127.0.0.1 by default. */
  readonly host?: string
  /** Folder of NDJSON files to serve instead of synthetic patients. */
  readonly data?: string
  /** Number of synthetic patients; 50 by default. */
  readonly patients?: number
  /** The same seed gives the same synthetic resources, byte for byte; 1 by default. */
  readonly seed?: number
  /** The one client that may come in; `'none'`, the default, lets everybody in. */
  readonly auth?: RegisteredClient | 'none'
  readonly behaviour?: Partial<DemoBehaviour>
  /** Short for `behaviour.maxLinesPerFile`. */
  readonly maxLinesPerFile?: number
  readonly clock?: Clock
  readonly log?: Log
}

export interface DemoServer {
  /** `http://127.0.0.1:PORT/fhir` */
  readonly baseUrl: string
  readonly tokenUrl: string
  /** Origin on which files lie where the behaviour's `fileHost` or `fileRedirect` says so. */
  readonly storageUrl: string
  readonly port: number
  /** Changes to it are what the next export sees. */
  readonly store: DemoStore
  readonly requests: DemoRequestLog
  /** May be altered, or replaced, at any time. */
  behaviour: DemoBehaviour
  /** Creates, updates and deletes resources as `changeStore` does. */
  change(options: ChangeOptions): Promise<ChangeSummary>
  /** Ends all connections and closes all files. */
  stop(): Promise<void>
}

/** @throws StokerError DEMO_PORT_TAKEN, DEMO_DATA_MISSING, or what the operating system says of the address. */
export async function startDemoServer(options: DemoServerOptions = {}): Promise<DemoServer> {
  const { host = '127.0.0.1', clock = systemClock, log = silentLog, auth = 'none', maxLinesPerFile } = options
  const files = new DataFiles()
  const startedAt = clock.now()
  const store = new DemoStore(monotonicInstants(clock), files)
  const known = await knownTypes()
  const listeners: Listener[] = []
  try {
    if (options.data === undefined) {
      for (const version of syntheticVersions(options.patients ?? 50, options.seed ?? 1)) store.load(version)
    } else {
      for await (const version of folderVersions(options.data, files, startedAt.getTime(), log)) store.load(version)
    }
    listeners.push(await listen(options.port ?? 0, host))
    listeners.push(await listen(0, host))
  } catch (error) {
    await stop()
    throw error
  }

  const [own, storage] = listeners as [Listener, Listener]
  const { port, origin } = own
  const tokenUrl = `${origin}/auth/token`
  const state: DemoState = {
    baseUrl: `${origin}/fhir`,
    tokenUrl,
    storageUrl: storage.origin,
    signer: new UrlSigner(),
    startedAt,
    store,
    files,
    jobs: new ExportJobs(clock),
    calls: new CallBudget(clock),
    editions: new Editions(),
    tokens: auth === 'none' ? undefined : new AccessTokens(auth, tokenUrl, clock),
    knowsType: (type) => known.has(type) || store.types().includes(type),
    behaviour: { ...PLAIN_BEHAVIOUR, ...(maxLinesPerFile !== undefined && { maxLinesPerFile }), ...options.behaviour },
    requests: emptyRequestLog(),
    clock,
    log,
  }
  state.editions.publish(store, state.behaviour)
  own.serve(demoApplication(state))
  storage.serve(storageApplication(state))
  return {
    baseUrl: state.baseUrl,
    tokenUrl,
    storageUrl: state.storageUrl,
    port,
    store,
    requests: state.requests,
    get behaviour() {
      return state.behaviour
    },
    set behaviour(behaviour) {
      state.behaviour = behaviour
    },
    change: (changeOptions) => changeStore(store, changeOptions),
    stop,
  }

  async function stop(): Promise<void> {
    await Promise.all(listeners.map((listener) => listener.close()))
    await files.close()
  }
}

async function knownTypes(): Promise<ReadonlySet<string>> {
  const path = new URL('../../schemas/fhir/resource-types.json', import.meta.url)
  const lists = Object.values(JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>)
  return new Set(lists.filter(Array.isArray).flat() as string[])
}
