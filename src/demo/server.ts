/**
 * A FHIR Bulk Data server in this process: a real HTTP server with `$export` at system, Patient and Group level and
 * SMART Backend Services, over synthetic patients or a folder of NDJSON files.
 */
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { systemClock, type Clock } from '../core/clock.ts'
import { StokerError } from '../core/errors.ts'
import { silentLog, type Log } from '../core/log.ts'
import { AccessTokens } from './access-tokens.ts'
import { PLAIN_BEHAVIOUR, type DemoBehaviour } from './behaviour.ts'
import { changeStore, type ChangeOptions, type ChangeSummary } from './change.ts'
import type { RegisteredClient } from './client-assertion.ts'
import { DataFiles } from './data-files.ts'
import { folderVersions } from './data-folder.ts'
import { ExportJobs } from './export-jobs.ts'
import { monotonicInstants } from './instants.ts'
import { emptyRequestLog, type DemoRequestLog } from './request-log.ts'
import { demoApplication } from './routes.ts'
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
  let server: Server | undefined
  try {
    if (options.data === undefined) {
      for (const version of syntheticVersions(options.patients ?? 50, options.seed ?? 1)) store.load(version)
    } else {
      for await (const version of folderVersions(options.data, files, startedAt.getTime(), log)) store.load(version)
    }
    server = await listen(options.port ?? 0, host)
  } catch (error) {
    await files.close()
    throw error
  }

  const { port } = server.address() as AddressInfo
  const origin = `http://${reachable(host)}:${port}`
  const tokenUrl = `${origin}/auth/token`
  const state: DemoState = {
    baseUrl: `${origin}/fhir`,
    tokenUrl,
    startedAt,
    store,
    files,
    jobs: new ExportJobs(clock),
    tokens: auth === 'none' ? undefined : new AccessTokens(auth, tokenUrl, clock),
    knowsType: (type) => known.has(type) || store.types().includes(type),
    behaviour: { ...PLAIN_BEHAVIOUR, ...(maxLinesPerFile !== undefined && { maxLinesPerFile }), ...options.behaviour },
    requests: emptyRequestLog(),
    clock,
    log,
  }
  const application = demoApplication(state)
  const listener = getRequestListener((request, env) => application.fetch(request, env))
  server.on('request', (request, response) => void listener(request, response))
  const listening = server
  return {
    baseUrl: state.baseUrl,
    tokenUrl,
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
    async stop() {
      if (listening.listening) {
        const closed = new Promise<void>((resolve) => listening.close(() => resolve()))
        listening.closeAllConnections()
        await closed
      }
      await files.close()
    },
  }
}

async function listen(port: number, host: string): Promise<Server> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code !== 'EADDRINUSE'
          ? error
          : new StokerError('DEMO_PORT_TAKEN', `Port ${port} of ${host} is in use.`, {
              hint: 'Choose another port, or 0 for a free one.',
              cause: error,
            }),
      )
    })
    server.listen(port, host, resolve)
  })
  return server
}

/** A name under which this machine reaches what listens on `host`. */
function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}

async function knownTypes(): Promise<ReadonlySet<string>> {
  const path = new URL('../../schemas/fhir/resource-types.json', import.meta.url)
  const lists = Object.values(JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>)
  return new Set(lists.filter(Array.isArray).flat() as string[])
}
