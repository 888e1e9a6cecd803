/** A service over a lake in a temporary folder, with runs that a test begins and ends, or with those of real servers. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, vi } from 'vitest'
import { loadConfig, type LoadedConfig } from '../../src/app/config.ts'
import { openWorker, type OpenWorker } from '../../src/app/worker-context.ts'
import { systemClock, type Clock } from '../../src/core/clock.ts'
import { silentLog, type Log } from '../../src/core/log.ts'
import type { ServiceEvent, SourceState } from '../../src/service/control.ts'
import { Service, type ServiceOptions } from '../../src/service/service.ts'
import { runTasks } from '../../src/service/task-list.ts'
import type { WorkerContext } from '../../src/worker/context.ts'
import type { Place } from '../../src/worker/places.ts'
import type { RunOutcome } from '../../src/worker/run.ts'
import { copyViews } from '../scenario/harness.ts'

/** For what a machine with much else to do takes its time for. */
export const WAIT_MS = 60_000

export interface LogLine {
  readonly level: string
  readonly facts: Record<string, unknown>
  readonly message: string
}

export class OpenService {
  readonly folder: string
  readonly lines: LogLine[] = []
  readonly events: ServiceEvent[] = []
  readonly open: OpenWorker
  readonly service: Service
  private readonly stopping = new AbortController()
  private readonly ended: Promise<unknown>

  private constructor(folder: string, open: OpenWorker, options: ServiceOptions, lines: LogLine[]) {
    this.folder = folder
    this.open = open
    this.lines = lines
    this.service = new Service(options)
    this.service.subscribe((event) => this.events.push(event))
    this.ended = runTasks([this.service, this.service.pulse], this.stopping.signal).catch((error: unknown) => error)
  }

  /**
   * Resolves when every source is served. Ends with the test.
   * @param yaml the sources, and what else of the configuration matters
   */
  static async start(
    yaml: string,
    options: Partial<ServiceOptions> & {
      readonly clock?: Clock
      /** Of a lake that others use too, and that stays open. */
      readonly open?: OpenWorker
      readonly folder?: string
      readonly views?: string[]
    } = {},
  ): Promise<OpenService> {
    const { views = ['patient'], clock = systemClock } = options
    const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'stoker-service-')))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    if (options.folder === undefined) await copyViews(views, join(folder, 'views'))
    const lines: LogLine[] = []
    await writeConfig(folder, yaml)
    const load = () => loadConfig(join(folder, 'stoker.yaml'))
    const config = await load()
    const log = recorder(lines)
    const open = options.open ?? (await openLake(config))
    const machineBytes = 1e12
    const own = {
      open,
      config,
      load,
      clock,
      log,
      machineBytes,
      random: () => 0,
      freeBytes: async () => 1e12,
      ...options,
    }
    const made = new OpenService(folder, open, own, lines)
    onTestFinished(async () => {
      await made.stop()
      if (options.open === undefined) await open.close()
    })
    await vi.waitFor(() => expect(served(lines)).toBe(config.sources.length), WAIT_MS)
    return made
  }

  configure(yaml: string): Promise<void> {
    return writeConfig(this.folder, yaml)
  }

  state(name: string): SourceState | undefined {
    return this.service.sources().find((source) => source.name === name)
  }

  /** The lake stays open. @returns what the tasks ended with, if it was an error */
  async stop(): Promise<unknown> {
    this.stopping.abort()
    return this.ended
  }

  get over(): Promise<unknown> {
    return this.ended
  }
}

/** Without a line of log. */
export function openLake(config: LoadedConfig): Promise<OpenWorker> {
  const signal = new AbortController().signal
  return openWorker(config, { log: silentLog, observe: () => undefined, signal })
}

function served(lines: readonly LogLine[]): number {
  return lines.filter(({ message }) => message === 'source served').length
}

async function writeConfig(folder: string, yaml: string): Promise<void> {
  const head = 'lake: lake\nmemoryLimit: 256MiB\nminimumFreeDisk: 0B\nviews: {shipped: false, folders: [views]}\n'
  await writeFile(join(folder, 'stoker.yaml'), `${head}${yaml}\n`, { mode: 0o600 })
}

function recorder(lines: LogLine[]): Log {
  const at = (level: string) => (facts: Record<string, unknown>, message: string) =>
    void lines.push({ level, facts, message })
  return { trace: at('trace'), debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/** Sources of a server that nobody asks, or of several. */
export function sourcesYaml(
  sources: Readonly<Record<string, string | undefined>>,
  portOf: (name: string) => number = () => 1,
): string {
  const entries = Object.entries(sources).map(([name, cron]) => {
    const port = portOf(name)
    const schedule = cron === undefined ? '' : `, schedule: {cron: '${cron}'}`
    return `  - {name: ${name}, baseUrl: 'http://127.0.0.1:${port}/fhir', level: system, auth: {kind: none}, types: [Patient]${schedule}}`
  })
  return `worker: {sourcesAtOnce: 2, jitterSeconds: 0}\nsources:\n${entries.join('\n')}`
}

interface HeldRun {
  readonly source: string
  readonly full: boolean
  readonly context: WorkerContext
  readonly place: Place
  succeed(outcome?: Partial<RunOutcome>): Promise<void>
  fail(error: unknown): Promise<void>
}

/** Runs that last until the test ends them, or the service does. */
export class HeldRuns {
  /** Under way, oldest first. */
  readonly now: HeldRun[] = []
  /** Names of sources in the order in which their runs began. */
  readonly begun: string[] = []
  private readonly clock: Clock & { settle(): Promise<void> }

  constructor(clock: Clock & { settle(): Promise<void> }) {
    this.clock = clock
  }

  readonly runOne: NonNullable<ServiceOptions['runOne']> = (context, { name }, full = false) => {
    this.begun.push(name)
    const startedAt = this.clock.now()
    const place = context.places.enter()
    return new Promise<RunOutcome>((resolve, reject) => {
      const settled = async (settle: () => void) => {
        this.now.splice(this.now.indexOf(held), 1)
        place.yield()
        settle()
        await this.clock.settle()
      }
      const books = { types: [], views: [], losses: [] }
      const outcome: RunOutcome = {
        ...{ source: name, run: this.begun.length, mode: 'full', resumed: false, books, snapshot: 1 },
        ...{ startedAt, endedAt: startedAt },
      }
      const held: HeldRun = {
        ...{ source: name, full, context, place },
        succeed: (changed = {}) => settled(() => resolve({ ...outcome, ...changed })),
        fail: (error) => settled(() => reject(error)),
      }
      this.now.push(held)
      context.signal.addEventListener('abort', () => void held.fail(context.signal.reason), { once: true })
    })
  }

  of(source: string): HeldRun {
    const found = this.now.find((run) => run.source === source)
    if (found === undefined) throw new Error(`no run of ${source} is under way`)
    return found
  }
}
