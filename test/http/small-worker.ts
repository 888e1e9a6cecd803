/** A worker as small as one can be: real runs of a demo server's sources, one after another, on a lake of its own. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig, type LoadedConfig } from '../../src/app/config.ts'
import { openWorker, type OpenWorker } from '../../src/app/worker-context.ts'
import { systemClock, type Clock } from '../../src/core/clock.ts'
import { StokerError } from '../../src/core/errors.ts'
import { silentLog, type Log } from '../../src/core/log.ts'
import { startDemoServer, type DemoServer } from '../../src/demo/server.ts'
import type { HttpDeps } from '../../src/http/deps.ts'
import type {
  CancelAnswer,
  Control,
  Heartbeat,
  LastReload,
  ReloadAnswer,
  ServiceEvent,
  SourceError,
  SourceState,
  TriggerAnswer,
} from '../../src/service/control.ts'
import { cancelSource } from '../../src/worker/cancel.ts'
import type { RunEvent } from '../../src/worker/events.ts'
import { runSource } from '../../src/worker/run.ts'
import { copyViews } from '../scenario/harness.ts'

interface Life {
  activity: SourceState['activity']
  failures: number
  error: SourceError | undefined
  run: number | undefined
  abort: AbortController
  ended: Promise<void>
}

export class SmallWorker implements Control {
  readonly startedAt = new Date()
  readonly folder: string
  readonly server: DemoServer
  heartbeat: Heartbeat = { at: new Date(), rss: 1, diskFree: 5e9, hasRoom: true }
  reloadAnswer: ReloadAnswer = { kind: 'reloaded', changed: ['field'] }
  lastReload: LastReload | undefined
  private readonly open: OpenWorker
  private readonly config: LoadedConfig
  private readonly lives = new Map<string, Life>()
  private readonly listeners = new Set<(event: ServiceEvent) => void>()
  private isStopped = false
  /** Runs of two sources publish one after another. */
  private last: Promise<void> = Promise.resolve()

  private constructor(folder: string, server: DemoServer, open: OpenWorker, config: LoadedConfig) {
    this.folder = folder
    this.server = server
    this.open = open
    this.config = config
    for (const { name } of open.sources) {
      const abort = new AbortController()
      this.lives.set(name, {
        activity: 'idle',
        failures: 0,
        error: undefined,
        run: undefined,
        abort,
        ended: Promise.resolve(),
      })
    }
  }

  /** With a server of so many patients, which is both the source `field` and the source `ward`. */
  static async start(patients = 2): Promise<SmallWorker> {
    const server = await startDemoServer({ patients })
    const folder = await mkdtemp(join(tmpdir(), 'stoker-http-'))
    await copyViews(['patient', 'condition'], join(folder, 'views'))
    const source = (name: string, types: string) =>
      `  - {name: ${name}, baseUrl: ${server.baseUrl}, level: system, types: [${types}], auth: {kind: none}}\n`
    const head = 'lake: lake\nmemoryLimit: 256MiB\nviews: {shipped: false, folders: [views]}\nsources:\n'
    const path = join(folder, 'stoker.yaml')
    await writeFile(path, head + source('field', 'Patient, Condition') + source('ward', 'Patient'), { mode: 0o600 })
    const config = await loadConfig(path)
    let worker: SmallWorker | undefined = undefined as SmallWorker | undefined
    const observe = (event: RunEvent) => worker?.observe(event)
    const open = await openWorker(config, { log: silentLog, observe, signal: new AbortController().signal })
    worker = new SmallWorker(folder, server, open, config)
    return worker
  }

  deps(clock: Clock = systemClock, log: Log = silentLog): HttpDeps {
    const { lake, database, views } = this.open.context
    const ask: HttpDeps['ask'] = (sql) => database.using((session) => session.rows(sql))
    return { control: this, lake, ask, views, config: { file: this.config.file, version: '0.1.0' }, clock, log }
  }

  get configFile(): string {
    return this.config.file
  }

  sources(): readonly SourceState[] {
    return [...this.lives].map(([name, { activity, failures, error }]) => ({
      name,
      activity,
      failures,
      error,
      schedule: undefined,
      nextAt: undefined,
      retryAt: undefined,
      progress: undefined,
    }))
  }

  subscribe(listener: (event: ServiceEvent) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  get listenerCount(): number {
    return this.listeners.size
  }

  trigger(name: string, { full }: { readonly full: boolean }): TriggerAnswer {
    const life = this.life(name)
    if (life.activity === 'running' || life.activity === 'queued') return 'already'
    life.ended = this.run(name, life, full, this.last)
    this.last = life.ended
    return 'queued'
  }

  async cancel(name: string): Promise<CancelAnswer> {
    const life = this.life(name)
    life.abort.abort()
    await life.ended
    const source = this.open.sources.find((each) => each.name === name)!
    const cancelled = await cancelSource(this.open.context, source)
    return { run: cancelled.result === 'nothing' ? undefined : cancelled.run }
  }

  async reload(): Promise<ReloadAnswer> {
    const { reloadAnswer: answer } = this
    const error =
      answer.kind === 'refused' ? { code: answer.code, message: answer.message, hint: undefined } : undefined
    this.lastReload = { at: new Date(), ok: error === undefined, error }
    this.tell({ kind: 'reloaded', answer: this.reloadAnswer })
    return this.reloadAnswer
  }

  /** Until the source's run is over. */
  ended(name: string): Promise<void> {
    return this.life(name).ended
  }

  tell(event: ServiceEvent): void {
    for (const listener of this.listeners) listener(event)
  }

  /** Gives the lake back; what runs is interrupted, and goes on at another start. */
  async stop(): Promise<void> {
    if (this.isStopped) return
    this.isStopped = true
    this.tell({ kind: 'stopping' })
    for (const { abort } of this.lives.values()) abort.abort()
    await Promise.all([...this.lives.values()].map(({ ended }) => ended))
    await this.open.close()
  }

  async remove(): Promise<void> {
    await this.stop()
    await this.server.stop()
    await rm(this.folder, { recursive: true, force: true })
  }

  private async run(name: string, life: Life, full: boolean, before: Promise<void>): Promise<void> {
    life.abort = new AbortController()
    const turn = (activity: SourceState['activity']) => {
      life.activity = activity
      this.tell({ kind: 'source', state: this.sources().find((state) => state.name === name)! })
    }
    turn('queued')
    await before
    turn('running')
    const source = this.open.sources.find((each) => each.name === name)!
    try {
      await runSource({ ...this.open.context, signal: life.abort.signal }, source, full)
      Object.assign(life, { failures: 0, error: undefined })
      turn('idle')
    } catch (error) {
      if (!life.abort.signal.aborted)
        Object.assign(life, { failures: life.failures + 1, error: errorOf(error, life.run) })
      turn(life.error?.retryable ? 'backing-off' : 'idle')
    }
  }

  private observe(event: RunEvent): void {
    this.life(event.source).run = event.run
    this.tell({ kind: 'run', event })
    if (event.kind === 'published')
      this.tell({ kind: 'published', source: event.source, run: event.run, snapshot: event.snapshot })
  }

  private life(name: string): Life {
    const life = this.lives.get(name)
    if (life === undefined) throw new StokerError('SOURCE_UNKNOWN', `there is no source ${name}`)
    return life
  }
}

function errorOf(error: unknown, run: number | undefined): SourceError {
  const known = error instanceof StokerError ? error : undefined
  return {
    at: new Date(),
    run,
    code: known?.code ?? 'INTERNAL',
    message: known?.record ?? 'an error of Stoker itself',
    hint: known?.hint,
    retryable: known?.retryable ?? false,
  }
}
