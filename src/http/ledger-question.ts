/** Questions that the command line asks a worker instead of the database it holds: each by its name, none by SQL. */
import {
  countRowsOf,
  lineageTables,
  sourcesOf,
  versionInForce,
  versionsOf,
  type LineageTable,
  type ResourceKey,
  type Version,
} from '../ledger/lineage.ts'
import { lakeSources } from '../ledger/lake-sources.ts'
import { overview, purges, type Overview, type PurgeRecord } from '../ledger/overview.ts'
import { runDetails, runLines, type Ask, type RunDetails, type RunLine, type RunsAsked } from '../ledger/run-details.ts'
import { COHORT_QUESTION_NAMES, cohortQuestions, type CohortQuestions } from './cohort-question.ts'
import { shownUrl } from '../ledger/shown-url.ts'
import { snapshotLines, type SnapshotLine } from '../ledger/snapshots.ts'

/**
 * All that can be asked. What of a question goes into SQL is quoted there; the only names among it are of tables, and those
 * are looked up. None reads rows of a view table or a file; of content there are keys of members of cohorts.
 */
export interface LedgerQuestions extends CohortQuestions {
  readonly sources: () => Promise<{ readonly source: string }[]>
  readonly overview: () => Promise<Overview>
  readonly purges: () => Promise<PurgeRecord[]>
  readonly runs: (asked: RunsAsked) => Promise<RunLine[]>
  readonly run: (asked: { readonly run: number }) => Promise<RunDetails | null>
  readonly lastRun: () => Promise<number | null>
  readonly snapshots: (asked: { readonly limit: number }) => Promise<SnapshotLine[]>
  readonly tables: () => Promise<LineageTable[]>
  readonly sourcesOf: (asked: Omit<ResourceKey, 'source'> & { readonly table: string }) => Promise<string[]>
  /** Of a snapshot the version in force alone. */
  readonly versions: (asked: ResourceKey & { readonly table: string }) => Promise<Version[]>
  /** Rows that a table has of a resource. */
  readonly rows: (asked: ResourceKey & { readonly table: string }) => Promise<number>
  /** Where a file lies in the raw log, relative to the lake; null where nothing of it is kept. */
  readonly rawPath: (asked: { readonly file: number }) => Promise<string | null>
}

export const QUESTION_NAMES: readonly (keyof LedgerQuestions)[] = [
  'sources',
  'overview',
  'purges',
  'runs',
  'run',
  'lastRun',
  'snapshots',
  'tables',
  'sourcesOf',
  'versions',
  'rows',
  'rawPath',
  ...COHORT_QUESTION_NAMES,
]

/** Of the live database. */
export function ledgerQuestions(ask: Ask): LedgerQuestions {
  return {
    ...cohortQuestions(ask),
    sources: async () => (await lakeSources(ask)).map((source) => ({ source })),
    overview: () => overview(ask),
    purges: () => purges(ask),
    runs: (asked) => runLines(ask, asked),
    run: async ({ run }) => withShownUrls(await runDetails(ask, run)),
    lastRun: async () => (await ask<{ run: number | null }>('SELECT max(run) AS run FROM stoker.run'))[0]!.run,
    snapshots: ({ limit }) => snapshotLines(ask, limit),
    tables: () => lineageTables(ask),
    sourcesOf: ({ table, ...key }) => sourcesOf(ask, table, key, true),
    versions: async ({ table: _table, ...key }) => (await versionsOf(ask, key)).map(withShownUrl),
    rows: async ({ table, ...key }) => {
      const isKnown = (await lineageTables(ask)).some(({ name }) => name === table)
      return isKnown ? countRowsOf(ask, table, key) : 0
    },
    rawPath: async ({ file }) => {
      const [row] = await ask<{ raw_path: string | null }>(`SELECT raw_path FROM stoker.file WHERE file = ${file}`)
      return row?.raw_path ?? null
    },
  }
}

/** What a snapshot can tell. */
export type SnapshotQuestions = Omit<LedgerQuestions, 'purges' | 'snapshots' | 'rawPath'>

/** Of a snapshot's tables, as far as it goes. */
export function snapshotQuestions(ask: Ask): SnapshotQuestions {
  return {
    ...ledgerQuestions(ask),
    sourcesOf: ({ table, ...key }) => sourcesOf(ask, table, key, false),
    versions: async ({ table, ...key }) => (await versionInForce(ask, table, key)).map(withShownUrl),
  }
}

/** What a request's address says beside the specification's parameters may be a key, or somebody. */
export function withShownUrls(details: RunDetails | undefined): RunDetails | null {
  return details === undefined ? null : { ...details, exports: details.exports.map(withShownUrl) }
}

function withShownUrl<T extends { readonly request_url: string | null }>(row: T): T {
  return { ...row, request_url: row.request_url === null ? null : shownUrl(row.request_url) }
}
