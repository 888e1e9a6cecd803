/** The long-running worker: keeps the sources of a configuration up to date, each at its times, until it is stopped. */
import type { LoadedConfig } from '../app/config.ts'
import { formerSources, formerText } from '../app/former-sources.ts'
import type { OpenWorker } from '../app/worker-context.ts'
import type { Clock } from '../core/clock.ts'
import { DiskGuard } from '../core/disk-space.ts'
import type { StokerError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import type { Task } from '../core/task.ts'
import { stoppingError } from '../core/stopping-error.ts'
import { lastSnapshot } from '../warehouse/snapshot/records.ts'
import type { WorkerContext } from '../worker/context.ts'
import { Places } from '../worker/places.ts'
import { runSource } from '../worker/run.ts'
import { SnapshotWork, type AfterSnapshot } from './after-snapshot.ts'
import { cancelServed } from './cancelling.ts'
import type {
  CancelAnswer,
  Control,
  Heartbeat,
  LastReload,
  ReloadAnswer,
  SourceState,
  TriggerAnswer,
} from './control.ts'
import { errorFacts, shownError } from './error-facts.ts'
import { Pulse } from './heartbeat.ts'
import { Listeners, type ServiceListener } from './listeners.ts'
import { readNewConfig } from './reload.ts'
import { Repeating } from './repeating.ts'
import { unknownSource } from './refusal.ts'
import { Roster } from './roster.ts'
import { Runner } from './runner.ts'
import { isMissed, nextWithJitter } from './schedule.ts'
import { stateOf, type ServedSource } from './served-source.ts'
import { lookAtLedger } from './start-look.ts'

export interface ServiceOptions {
  readonly open: Pick<OpenWorker, 'context' | 'sourcesOf'>
  readonly config: LoadedConfig
  /** Reads the configuration again. */
  readonly load: () => Promise<LoadedConfig>
  readonly clock: Clock
  /** From 0 to less than 1. */
  readonly random: () => number
  readonly log: Log
  /** Memory of the machine, or of the container. */
  readonly machineBytes: number
  readonly afterSnapshot?: readonly AfterSnapshot[]
  /** Brings one source up to date. */
  readonly runOne?: typeof runSource
  readonly freeBytes?: (path: string) => Promise<number>
}

/** Clocks are set and machines sleep: the schedule is looked at again at least so often. */
const LOOK_MS_MAX = 60_000
/** A clock that was put back by less is being kept right, and a time that has just come does not come again. */
const PUT_BACK_MS = 60_000

export class Service implements Control, Task {
  readonly id = 'schedule'
  readonly startedAt: Date
  /** To be run beside it. */
  readonly pulse: Pulse
  private readonly options: ServiceOptions
  private readonly listeners: Listeners
  private readonly roster: Roster
  private readonly runner: Runner
  private readonly snapshots: SnapshotWork
  private readonly loop: Repeating
  private readonly places: Places
  private readonly stopping = new AbortController()
  private config: LoadedConfig
  /** For the runs that begin from now on. */
  private context: WorkerContext
  private reloading: Promise<unknown> = Promise.resolve()
  private reloaded: LastReload | undefined
  private broken: StokerError | undefined
  private lookedAt: Date

  constructor(options: ServiceOptions) {
    const { open, clock, log, random, machineBytes, freeBytes, runOne = runSource } = options
    this.options = options
    this.startedAt = clock.now()
    this.lookedAt = this.startedAt
    this.config = options.config
    this.places = new Places(options.config.worker.sourcesAtOnce, () => this.loop.wake())
    this.context = { ...open.context, places: this.places }
    this.listeners = new Listeners(log)
    this.roster = new Roster((state) => this.listeners.tell({ kind: 'source', state }))
    this.snapshots = new SnapshotWork(options.afterSnapshot ?? [], log, (id, snapshot) => {
      if (id === 'cohorts') this.listeners.tell({ kind: 'cohorts', snapshot })
    })
    this.loop = new Repeating(this.id, clock, () => this.tick())
    const { roster, listeners, snapshots } = this
    const onEnded = (served: ServedSource) => this.ended(served)
    const onBroken = (error: StokerError) => {
      this.broken = error
      this.loop.wake()
    }
    this.runner = new Runner({ roster, listeners, snapshots, clock, random, log, runOne, onEnded, onBroken })
    const onBeat = (heartbeat: Heartbeat) => {
      listeners.tell({ kind: 'heartbeat', heartbeat })
      this.loop.wake()
    }
    const lake = { path: this.context.lake.root, disk: () => this.context.disk }
    this.pulse = new Pulse({ clock, log, machineBytes, ...lake, onBeat, ...(freeBytes && { freeBytes }) })
    roster.arrange(this.config.sources, open.sourcesOf(this.config))
  }

  get heartbeat(): Heartbeat {
    return this.pulse.heartbeat
  }

  get lastReload(): LastReload | undefined {
    return this.reloaded
  }

  sources(): readonly SourceState[] {
    return this.roster.all().map(stateOf)
  }

  subscribe(listener: ServiceListener): () => void {
    return this.listeners.add(listener)
  }

  trigger(source: string, { full }: { readonly full: boolean }): TriggerAnswer {
    const served = this.servedOf(source)
    if (served.isLeaving) throw unknownSource(source)
    const isNew = this.roster.happened(served, 'trigger')
    // A run under way goes on as it began; one that waits asks for as much as the most demanding wants.
    if (full && served.activity === 'queued') served.full = true
    if (isNew) this.options.log.info({ source, full }, 'run asked for')
    this.loop.wake()
    return isNew ? 'queued' : 'already'
  }

  async cancel(source: string): Promise<CancelAnswer> {
    const served = this.servedOf(source)
    const context = { ...this.context, signal: this.stopping.signal }
    served.cancelling ??= cancelServed(context, this.roster, served)
      .catch((error: unknown) => {
        throw this.stopping.signal.aborted ? stoppingError() : error
      })
      .finally(() => {
        served.cancelling = undefined
        this.loop.wake()
      })
    return served.cancelling
  }

  reload(): Promise<ReloadAnswer> {
    const turn = this.reloading.then(() => this.reloadNow())
    this.reloading = turn.catch(() => undefined)
    return turn
  }

  async run(): Promise<void> {
    await this.pulse.beat()
    const newest = await lastSnapshot(this.context.ledger)
    if (newest !== undefined) this.snapshots.offer(newest)
    await this.admit(this.roster.all())
    return this.loop.run()
  }

  async stop(): Promise<void> {
    if (!this.stopping.signal.aborted) {
      this.stopping.abort()
      this.listeners.tell({ kind: 'stopping' })
    }
    const served = this.roster.all()
    for (const { underWay } of served) underWay?.abort.abort()
    await this.loop.stop()
    for (const { underWay } of served) await underWay?.ended
    for (const { cancelling } of served) await cancelling?.catch(() => undefined)
    await this.reloading
    await this.snapshots.stop()
  }

  /** What is due joins the line, and whose turn it is begins. @returns milliseconds until the next look */
  private async tick(): Promise<number> {
    if (this.broken !== undefined) throw this.broken
    const now = this.options.clock.now()
    if (this.lookedAt.getTime() - now.getTime() > PUT_BACK_MS) this.reckonAnew(now)
    this.lookedAt = now
    for (const served of this.roster.all()) {
      if (served.nextAt !== undefined && served.nextAt <= now) {
        served.nextAt = this.timeAfter(served, now)
        this.roster.happened(served, 'scheduled')
      }
      if (served.retryAt !== undefined && served.retryAt <= now) this.roster.happened(served, 'retry')
    }
    this.beginRuns()
    const due = this.roster.all().flatMap(({ nextAt, retryAt }) => [nextAt, retryAt])
    const waits = due.flatMap((each) => (each === undefined ? [] : [each.getTime() - now.getTime()]))
    return Math.max(0, Math.min(LOOK_MS_MAX, ...waits))
  }

  /** A clock that ran ahead, by years perhaps, was set right: what was to come by it would not come for as long. */
  private reckonAnew(now: Date): void {
    this.options.log.warn({ was: this.lookedAt, now }, 'the clock was put back: schedules are reckoned anew')
    for (const served of this.roster.all()) {
      served.nextAt = this.timeAfter(served, now)
      if (served.retryAt !== undefined) served.retryAt = now
    }
  }

  private beginRuns(): void {
    while (!this.stopping.signal.aborted && this.heartbeat.hasRoom && this.places.isFree) {
      const served = this.roster.takeTurn(this.config.worker.sourcesAtOnce)
      if (served === undefined) return
      this.runner.begin(served, this.context)
    }
  }

  private ended(served: ServedSource): void {
    if (served.isLeaving) this.roster.dismiss(served)
    this.loop.wake()
  }

  /** Sources that are new here: they go on with what they left unfinished, and catch up once on what they missed. */
  private async admit(sources: readonly ServedSource[]): Promise<void> {
    const { clock, log } = this.options
    const { unfinished, lastStarts, failing } = await lookAtLedger(this.context.ledger)
    const now = clock.now()
    const names = this.config.sources.map(({ name }) => name)
    for (const source of formerSources([...lastStarts.keys()], names)) log.info({ source }, formerText(source))
    for (const served of sources) Object.assign(served, failing.get(served.config.name))
    for (const name of unfinished) {
      const served = sources.find(({ config }) => config.name === name)
      if (served !== undefined) this.roster.happened(served, 'trigger')
    }
    for (const served of sources) {
      const { name, schedule } = served.config
      served.nextAt = this.timeAfter(served, now)
      if (schedule !== undefined && isMissed(schedule, lastStarts.get(name), now)) {
        log.info({ source: name }, 'a scheduled time was missed: it is caught up on now')
        this.roster.happened(served, 'scheduled')
      }
      log.info({ source: name, cron: schedule?.cron, next: served.nextAt?.toISOString() }, 'source served')
    }
  }

  private async reloadNow(): Promise<ReloadAnswer> {
    const { log, load, clock } = this.options
    let answer: ReloadAnswer
    let refusal: LastReload['error']
    try {
      if (this.stopping.signal.aborted) throw stoppingError()
      const { config, changed } = await readNewConfig(this.config, this.context.views, load)
      await this.take(config)
      answer = { kind: 'reloaded', changed }
      log.info({ changed }, 'configuration read again')
    } catch (error) {
      const { code, message, hint } = shownError(error)
      refusal = { code, message, hint }
      answer = { kind: 'refused', code, message: hint === undefined ? message : `${message}; ${hint}` }
      log.error(errorFacts(error), 'configuration refused: the old one stays in force')
    }
    this.reloaded = { at: clock.now(), ok: refusal === undefined, error: refusal }
    this.listeners.tell({ kind: 'reloaded', answer })
    return answer
  }

  private async take(config: LoadedConfig): Promise<void> {
    const { open, clock } = this.options
    const { keeping, downloads, worker } = config
    const isOtherJitter = worker.jitterSeconds !== this.config.worker.jitterSeconds
    const { minimumFreeDiskBytes: minimumFreeBytes } = keeping
    const disk =
      minimumFreeBytes === this.config.keeping.minimumFreeDiskBytes
        ? this.context.disk
        : new DiskGuard({ path: this.context.lake.root, minimumFreeBytes, clock: this.context.clock })
    this.config = config
    this.context = { ...this.context, keeping, downloads, disk }
    this.places.resize(worker.sourcesAtOnce)
    const { added, rescheduled, changed } = this.roster.arrange(config.sources, open.sourcesOf(config))
    const now = clock.now()
    for (const served of isOtherJitter ? this.roster.all() : rescheduled) served.nextAt = this.timeAfter(served, now)
    // Whoever changes a source that fails has mended it, and wants to see that.
    for (const served of changed) if (served.activity === 'backing-off') this.roster.happened(served, 'retry')
    await this.admit(added)
    await this.pulse.beat()
  }

  private timeAfter({ config, isLeaving }: ServedSource, now: Date): Date | undefined {
    if (config.schedule === undefined || isLeaving) return undefined
    return nextWithJitter(config.schedule, now, this.config.worker.jitterSeconds, this.options.random)
  }

  private servedOf(source: string): ServedSource {
    if (this.stopping.signal.aborted) throw stoppingError()
    const served = this.roster.get(source)
    if (served === undefined) throw unknownSource(source)
    return served
  }
}
