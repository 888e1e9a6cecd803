/** Wiring: a checked configuration → an open lake and sources that can be run. */
import { randomUUID } from 'node:crypto'
import { CallBudget } from '../bulk/http/call-budget.ts'
import { BulkClient } from '../bulk/client.ts'
import { systemClock } from '../core/clock.ts'
import { DiskGuard } from '../core/disk-space.ts'
import { makeFolder } from '../core/durable.ts'
import type { Log } from '../core/log.ts'
import type { Database } from '../store/database.ts'
import { loadAllViews } from '../views/library.ts'
import { Lake } from '../warehouse/lake.ts'
import { clearLeftovers } from '../warehouse/snapshot/retention.ts'
import { alignViewTables, type AlignOptions, type ViewTableChanges } from '../warehouse/tables/view-tables.ts'
import { keepDeleted, type View } from '../warehouse/tables/view.ts'
import type { WorkerContext } from '../worker/context.ts'
import { openReports } from '../report/reports.ts'
import type { ReportedView } from '../report/open-lineage/datasets.ts'
import type { RunObserver } from '../worker/events.ts'
import { OneAtATime } from '../worker/one-at-a-time.ts'
import { Places } from '../worker/places.ts'
import type { Source } from '../worker/source.ts'
import { bulkAuth } from './bulk-auth.ts'
import type { Config } from './config.ts'
import type { SourceConfig } from './config-source.ts'
import { openLakeDatabase } from './lake-database.ts'
import { runLog } from './run-log.ts'
import { TraceFile } from './trace-file.ts'
import { STOKER_VERSION } from './version.ts'

export interface OpenOptions {
  readonly log: Log
  readonly observe: RunObserver
  readonly signal: AbortSignal
  /** How the view tables are brought to their definitions; false leaves them as they are. */
  readonly align?: Omit<AlignOptions, 'now'> | false
}

export interface OpenWorker {
  readonly context: WorkerContext
  readonly changes: ViewTableChanges
  readonly sources: readonly Source[]
  /** The sources of another configuration for the same lake; with those before them they share what hosts were asked. */
  sourcesOf(config: Pick<Config, 'sources'>): readonly Source[]
  /** Reports are written, or kept for the next start, before the lake is closed. */
  close(): Promise<void>
}

/**
 * Opens the lake for writing: views compiled, database migrated, view tables brought to their definitions.
 * @throws StokerError of the store (locked, unreadable), of a view that does not compile, or VIEWS_BREAK_READERS.
 */
export async function openWorker(config: Config, options: OpenOptions): Promise<OpenWorker> {
  const { log, observe, signal, align = {} } = options
  const views = await configuredViews(config)
  const lake = new Lake(config.lake)
  await makeFolder(lake.root)
  const { memoryLimitBytes, threads, keeping } = config
  const { minimumFreeDiskBytes: minimumFreeBytes } = keeping
  const disk = new DiskGuard({ path: lake.root, minimumFreeBytes, clock: systemClock })
  const limits = { memoryLimitBytes, threads, spillBytes: () => disk.room() }
  const database = await openLakeDatabase(lake, { config: config.file, ...limits })
  try {
    await clearLeftovers(database, lake, systemClock.now())
    const changes = align === false ? NO_CHANGES : await alignTables(database, lake, views, align, disk, signal)
    if (changes.rebuilt.length > 0) {
      log.info(
        { tables: changes.rebuilt.map(({ table }) => table) },
        'tables rebuilt from the raw log: their views changed',
      )
    }
    if (changes.dropped.length > 0) log.info({ tables: changes.dropped }, 'tables dropped: their views are gone')
    const reports = await openReports({
      targets: config.reports,
      lake,
      views,
      sources: new Map(config.sources.map(({ name, baseUrl }) => [name, baseUrl])),
      ask: async () => {
        const reading = await database.session()
        return (sql) => reading.rows(sql)
      },
      version: STOKER_VERSION,
      clock: systemClock,
      log,
      random: Math.random,
      makeId: randomUUID,
    })
    const context: WorkerContext = {
      lake,
      database,
      views,
      keeping,
      disk,
      log,
      observe: toAll([runLog(log), observe, reports.observe]),
      signal,
      ledger: await database.session(),
      writing: new OneAtATime(),
      places: new Places(),
      clock: systemClock,
      downloads: config.downloads,
      memoryLimitBytes,
      stokerVersion: STOKER_VERSION,
    }
    const budget = new CallBudget(systemClock)
    const traces = new Map<string, TraceFile>()
    const traceAt = (path: string) => {
      const trace = traces.get(path) ?? new TraceFile(path)
      traces.set(path, trace)
      return trace
    }
    const sourcesOf = ({ sources }: Pick<Config, 'sources'>) =>
      sources.map((source) => {
        const trace = source.trace === undefined ? undefined : traceAt(source.trace)
        return workerSource(source, { budget, trace })
      })
    return {
      context,
      changes,
      sources: sourcesOf(config),
      sourcesOf,
      close: async () => {
        await reports.close()
        for (const trace of traces.values()) trace.close()
        database.close()
      },
    }
  } catch (error) {
    database.close()
    throw error
  }
}

function toAll(observers: readonly RunObserver[]): RunObserver {
  return (event) => {
    for (const observe of observers) observe(event)
  }
}

const NO_CHANGES: ViewTableChanges = { made: [], rebuilt: [], dropped: [] }

/** Where nothing was ever loaded there is nothing to write. */
async function alignTables(
  database: Database,
  lake: Lake,
  views: readonly View[],
  options: Omit<AlignOptions, 'now'>,
  disk: DiskGuard,
  signal: AbortSignal,
): Promise<ViewTableChanges> {
  const align = (watched: AbortSignal) =>
    database.transaction(
      (session) => alignViewTables(session, lake, views, { ...options, now: systemClock.now() }),
      watched,
    )
  const held = await database.using((session) => session.first('FROM stoker.resource LIMIT 1'))
  return held === undefined ? align(signal) : disk.watch('making tables from the raw log', signal, align)
}

/** Compiled, with tables that keep the rows of deleted resources where the configuration says so. */
export async function configuredViews({ views, keeping }: Pick<Config, 'views' | 'keeping'>): Promise<ReportedView[]> {
  const compiled = await loadAllViews(views)
  return keeping.deletions === 'keep' ? compiled.map(keepDeleted) : compiled
}

function workerSource(
  config: SourceConfig,
  shared: { readonly budget: CallBudget; readonly trace: TraceFile | undefined },
): Source {
  const { name, level, types, request, profile, since, groupChanges, deadlineHours, release } = config
  return {
    name,
    level,
    manifestUrl: config.manifestUrl?.href,
    types,
    request,
    profile,
    since,
    groupChanges,
    deadlineHours,
    release,
    baseUrl: config.baseUrl.href,
    connect: (onWait, log) =>
      new BulkClient({
        baseUrl: config.baseUrl,
        auth: bulkAuth(config.auth),
        profile,
        clock: systemClock,
        ...shared,
        log,
        onWait,
        allowHttp: config.allowHttp,
        tokenOrigins: config.tokenOrigins,
        userAgent: `fhir-stoker/${STOKER_VERSION}`,
      }),
  }
}
