/** What others are told of runs, as the configuration has it. */
import type { Clock } from '../core/clock.ts'
import { makeFolder } from '../core/durable.ts'
import type { Log } from '../core/log.ts'
import type { Ask } from '../ledger/run-details.ts'
import type { Lake } from '../warehouse/lake.ts'
import type { RunEvent, RunObserver } from '../worker/events.ts'
import { bulkLog } from './bulk-log.ts'
import { identityOf } from './identity.ts'
import type { ReportedView } from './open-lineage/datasets.ts'
import { Reporter } from './open-lineage/reporter.ts'

/** Where reports go; see the configuration for each. */
export interface ReportTargets {
  readonly openLineage:
    | {
        readonly file: string | undefined
        readonly url: URL | undefined
        readonly token: { reveal(): string } | undefined
        readonly namespace: string
      }
    | undefined
  readonly bulkLog: string | undefined
}

export interface ReportOptions {
  readonly targets: ReportTargets
  readonly lake: Lake
  readonly views: readonly ReportedView[]
  /** Base URLs by the sources' names. */
  readonly sources: ReadonlyMap<string, URL>
  /** Opens a session that nobody else uses. */
  readonly ask: () => Promise<Ask>
  readonly version: string
  readonly clock: Clock
  readonly log: Log
  readonly random: () => number
  /** A random UUID. */
  readonly makeId: () => string
}

export interface Reports {
  readonly observe: RunObserver
  close(): Promise<void>
}

const NO_REPORTS: Reports = { observe: () => undefined, close: () => Promise.resolve() }

/** Nothing of it ever throws into a run. @throws only where the lake itself can not be written to */
export async function openReports(options: ReportOptions): Promise<Reports> {
  const { targets, lake, views, sources, ask, version, clock, log, random, makeId } = options
  const { openLineage } = targets
  if (openLineage === undefined && targets.bulkLog === undefined) return NO_REPORTS
  await makeFolder(lake.reports)
  const identity = await identityOf(lake.reports, makeId)
  const { namespace = '', url, token, file } = openLineage ?? {}
  const reporter =
    openLineage &&
    new Reporter({
      settings: { identity, namespace, catalog: lake.catalog, version, views, sources },
      endpoint: url && { url, token, userAgent: `fhir-stoker/${version}` },
      file,
      folder: lake.reports,
      ask: await ask(),
      clock,
      log,
      random,
    })
  const exports = targets.bulkLog === undefined ? undefined : bulkLog({ path: targets.bulkLog, identity, clock, log })
  reporter?.begin()
  return {
    observe(event: RunEvent) {
      exports?.(event)
      reporter?.observe(event)
    },
    close: () => reporter?.close() ?? Promise.resolve(),
  }
}
