/** Metrics for Prometheus: of the ledger, of the worker's sources, of the process. */
import { readdir } from 'node:fs/promises'
import { Counter, Gauge, Registry } from 'prom-client'
import { LedgerMetrics } from './ledger-metrics.ts'
import type { ReloadAnswer, ServiceEvent, SourceActivity, SourceState } from '../service/control.ts'
import type { HttpDeps } from './deps.ts'
import type { EventStream } from './event-stream.ts'

const RELOADS: readonly ReloadAnswer['kind'][] = ['reloaded', 'refused']
const ACTIVITIES: readonly SourceActivity[] = ['idle', 'queued', 'running', 'backing-off']

export class Metrics {
  private readonly deps: HttpDeps
  private readonly events: EventStream
  private readonly registry = new Registry()
  private readonly ledger: LedgerMetrics
  private readonly gauges: ReturnType<typeof gaugesIn>
  private readonly counters: ReturnType<typeof countersIn>
  private looking: Promise<string> | undefined
  private cpuSeconds = 0

  constructor(deps: HttpDeps, events: EventStream) {
    this.deps = deps
    this.events = events
    this.ledger = new LedgerMetrics(deps.ask, this.registry)
    this.gauges = gaugesIn(this.registry)
    this.counters = countersIn(this.registry)
    this.gauges.build.set({ version: deps.config.version }, 1)
    // A counter that comes into being with its first event has risen by nothing.
    for (const result of RELOADS) this.counters.reloads.inc({ result }, 0)
    this.gauges.started.set(deps.control.startedAt.getTime() / 1000)
  }

  get contentType(): string {
    return this.registry.contentType
  }

  /** @returns takes the listener away */
  listen(): () => void {
    return this.deps.control.subscribe((event) => this.count(event))
  }

  /** Those who ask at the same time get the same answer. */
  text(): Promise<string> {
    this.looking ??= this.look().finally(() => {
      this.looking = undefined
    })
    return this.looking
  }

  private async look(): Promise<string> {
    const now = this.deps.clock.now()
    const openFiles = await readdir('/proc/self/fd').then(
      (names) => names.length,
      () => undefined,
    )
    await this.ledger.look(
      now,
      this.deps.control.sources().map(({ name }) => name),
    )
    this.lookAtSources()
    this.lookAtProcess(now, openFiles)
    return this.registry.metrics()
  }

  private lookAtSources(): void {
    const { sources, queued, failures } = this.gauges
    const states = this.deps.control.sources()
    sources.reset()
    failures.reset()
    for (const activity of ACTIVITIES)
      sources.set({ activity }, states.filter((state) => state.activity === activity).length)
    for (const state of states) failures.set({ source: state.name }, state.failures)
    const waits = ({ activity, progress }: SourceState) => activity === 'queued' || progress?.queuedAt !== undefined
    queued.set(states.filter(waits).length)
  }

  private lookAtProcess(now: Date, openFiles: number | undefined): void {
    const { heartbeat, lastReload, startedAt } = this.deps.control
    const { heartbeatAge, diskFree, diskRoom, listeners, memory, files, reloadOk, reloadAt } = this.gauges
    // What the worker started with it has taken.
    reloadOk.set(lastReload === undefined || lastReload.ok ? 1 : 0)
    reloadAt.set((lastReload?.at ?? startedAt).getTime() / 1000)
    heartbeatAge.set(Math.max(0, (now.getTime() - heartbeat.at.getTime()) / 1000))
    diskFree.set(heartbeat.diskFree)
    diskRoom.set(heartbeat.hasRoom ? 1 : 0)
    listeners.set(this.events.listenerCount)
    memory.set(process.memoryUsage.rss())
    if (openFiles !== undefined) files.set(openFiles)
    const { user, system } = process.cpuUsage()
    const cpuSeconds = (user + system) / 1e6
    this.counters.cpu.inc(Math.max(0, cpuSeconds - this.cpuSeconds))
    this.cpuSeconds = cpuSeconds
  }

  private count(event: ServiceEvent): void {
    if (event.kind === 'reloaded') this.counters.reloads.inc({ result: event.answer.kind })
    if (event.kind !== 'run' || event.event.kind !== 'delayed') return
    const { source, step, code, ms } = event.event
    this.counters.retries.inc({ source, step, code })
    this.counters.waited.inc({ source, step }, ms / 1000)
  }
}

function gaugesIn(registry: Registry) {
  const gauge = (name: string, help: string, ...labelNames: string[]) =>
    new Gauge({ name, help, labelNames, registers: [registry] })
  return {
    build: gauge('stoker_build_info', 'Always 1; the version of Stoker.', 'version'),
    started: gauge('process_start_time_seconds', 'When the worker began.'),
    sources: gauge('stoker_sources', 'Sources by what the worker does with them.', 'activity'),
    queued: gauge(
      'stoker_queue_length',
      'Sources whose run waits for its turn: to begin, or to go on when its server is ready.',
    ),
    failures: gauge('stoker_source_failures', 'Runs that failed since the last one that did not.', 'source'),
    heartbeatAge: gauge('stoker_heartbeat_age_seconds', 'Since the last heartbeat of the worker.'),
    diskFree: gauge('stoker_disk_free_bytes', 'Free on the disk of the lake.'),
    diskRoom: gauge('stoker_disk_has_room', '0: less than minimumFreeDisk is free.'),
    reloadOk: gauge(
      'stoker_last_reload_successful',
      '0: the configuration file was refused; the one before is in force.',
    ),
    reloadAt: gauge('stoker_last_reload_timestamp_seconds', 'When the configuration was last read.'),
    listeners: gauge('stoker_event_listeners', 'Connections to /api/events.'),
    memory: gauge('process_resident_memory_bytes', 'Memory of the process, DuckDB with it.'),
    files: gauge('process_open_fds', 'Open files and sockets of the process.'),
  }
}

function countersIn(registry: Registry) {
  const counter = (name: string, help: string, ...labelNames: string[]) =>
    new Counter({ name, help, labelNames, registers: [registry] })
  return {
    retries: counter('stoker_retries_total', 'Requests that were asked again after a wait.', 'source', 'step', 'code'),
    waited: counter('stoker_retry_wait_seconds_total', 'Time of those waits.', 'source', 'step'),
    reloads: counter('stoker_reloads_total', 'Reloads of the configuration: reloaded, refused.', 'result'),
    cpu: counter('process_cpu_seconds_total', 'User and system CPU time of the process.'),
  }
}
