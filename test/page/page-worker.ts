/** The real worker in this process, over a real lake and demo servers, with its pages on a port of this machine. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from '../../src/app/config.ts'
import { Secret } from '../../src/app/secret.ts'
import { openWorker, type OpenWorker } from '../../src/app/worker-context.ts'
import { systemClock } from '../../src/core/clock.ts'
import { silentLog } from '../../src/core/log.ts'
import { startDemoServer, type DemoServer, type DemoServerOptions } from '../../src/demo/server.ts'
import type { HttpDeps } from '../../src/http/deps.ts'
import { httpTask, type HttpTask } from '../../src/http/http-task.ts'
import { pagesOf } from '../../src/http/page/routes.ts'
import type { SourceState } from '../../src/service/control.ts'
import { Service } from '../../src/service/service.ts'
import type { Session } from '../../src/store/session.ts'
import { copyViews } from '../scenario/harness.ts'

export const TOKEN = 'a token of the tests alone'
const ENOUGH_MS = 60_000

export interface PageWorkerOptions {
  /** A demo server for each source of this name. */
  readonly sources: Readonly<Record<string, Omit<DemoServerOptions, 'auth'>>>
  readonly views?: readonly string[]
  /** Of the pages' dependencies what a test has in another way. */
  readonly deps?: Partial<HttpDeps>
}

export class PageWorker {
  readonly servers: ReadonlyMap<string, DemoServer>
  readonly session: Session
  readonly deps: HttpDeps
  url = ''
  private readonly folder: string
  private readonly open: OpenWorker
  private readonly service: Service
  private readonly http: HttpTask
  private readonly ended: Promise<unknown>

  private constructor(
    folder: string,
    servers: ReadonlyMap<string, DemoServer>,
    open: OpenWorker,
    session: Session,
    service: Service,
    deps: HttpDeps,
  ) {
    this.folder = folder
    this.servers = servers
    this.open = open
    this.session = session
    this.service = service
    this.deps = deps
    const listen = { host: '127.0.0.1', port: 0, isLoopback: true, token: new Secret(TOKEN) }
    this.http = httpTask(deps, listen, pagesOf(deps))
    this.ended = Promise.all([service.run(), service.pulse.run(), this.http.run()])
  }

  static async start({ sources, views = ['patient', 'condition'], deps }: PageWorkerOptions): Promise<PageWorker> {
    const folder = await mkdtemp(join(tmpdir(), 'stoker-page-'))
    await copyViews(views, join(folder, 'views'))
    const servers = new Map<string, DemoServer>()
    for (const [name, options] of Object.entries(sources)) {
      const behaviour = { pollsBeforeDone: 0, ...options.behaviour }
      servers.set(name, await startDemoServer({ patients: 5, ...options, behaviour }))
    }
    const file = join(folder, 'stoker.yaml')
    await writeFile(file, configText(servers))
    const config = await loadConfig(file)
    const open = await openWorker(config, {
      log: silentLog,
      observe: () => undefined,
      signal: new AbortController().signal,
    })
    const session = await open.context.database.session()
    const service = new Service({
      ...{ open, config, log: silentLog, clock: systemClock, random: () => 0.5, machineBytes: 2 ** 34 },
      load: () => loadConfig(file),
    })
    const all: HttpDeps = {
      control: service,
      lake: open.context.lake,
      ask: (sql) => session.rows(sql),
      views: open.context.views,
      config: { file, version: '0.0.0-test' },
      clock: systemClock,
      log: silentLog,
      ...deps,
    }
    const worker = new PageWorker(folder, servers, open, session, service, all)
    worker.url = await worker.http.listening
    return worker
  }

  server(name: string): DemoServer {
    return this.servers.get(name)!
  }

  /** Asks for a run and waits until it has ended, well or not. */
  async sync(source: string, full = false): Promise<SourceState> {
    const before = this.state(source).activity
    if (before !== 'running' && before !== 'queued') this.service.trigger(source, { full })
    return this.until(source, ({ activity }) => activity !== 'running' && activity !== 'queued')
  }

  /** Resolves with the first state of the source of which `is` holds. */
  async until(source: string, is: (state: SourceState) => boolean): Promise<SourceState> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        leave()
        reject(new Error(`${source} is still ${JSON.stringify(this.state(source))}`))
      }, ENOUGH_MS)
      const look = () => {
        const state = this.state(source)
        if (!is(state)) return
        clearTimeout(late)
        leave()
        resolve(state)
      }
      const leave = this.service.subscribe(look)
      look()
    })
  }

  state(source: string): SourceState {
    return this.service.sources().find(({ name }) => name === source)!
  }

  /** A page's text and status, as a browser without scripts has it. */
  async page(path: string, options: RequestInit = {}): Promise<{ status: number; text: string; headers: Headers }> {
    const response = await fetch(`${this.url}${path}`, { redirect: 'manual', ...options })
    return { status: response.status, text: await response.text(), headers: response.headers }
  }

  async stop(): Promise<void> {
    await this.http.stop()
    await this.service.stop()
    await this.service.pulse.stop()
    await this.ended
    this.session.close()
    await this.open.close()
    for (const server of this.servers.values()) await server.stop()
    await rm(this.folder, { recursive: true, force: true })
  }
}

function configText(servers: ReadonlyMap<string, DemoServer>): string {
  const sources = [...servers].map(
    ([name, { baseUrl }]) => `  - name: ${name}
    baseUrl: ${baseUrl}
    level: system
    auth: { kind: none }
    types: [Patient, Condition]
`,
  )
  return `lake: lake
memoryLimit: 256MiB
views: { shipped: false, folders: [views] }
worker: { jitterSeconds: 0 }
sources:
${sources.join('')}`
}
