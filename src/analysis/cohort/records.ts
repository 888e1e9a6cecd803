/** What is kept of cohorts, as told by the ledger or, without members, by a snapshot: sizes, members, differences. */
import { StokerError } from '../../core/errors.ts'
import { nearestName } from '../../core/nearest-name.ts'
import { sqlText } from '../../core/sql.ts'
import { heldAt } from './intervals.ts'

/** Asks the database or, for all but members, a snapshot's lineage. */
export type AskCohorts = <T extends object>(sql: string) => Promise<T[]>

export interface CohortRunLine {
  readonly cohort: string
  readonly snapshot: number
  /** When that was published; null where the snapshot that is asked does not know. */
  readonly published_at: Date | null
  readonly definition: string
  readonly definition_changed: boolean
  /** JSON text: values by name; null where a purge took them. */
  readonly parameters: string | null
  /** Counts: null of a failure. */
  readonly rows: number | null
  readonly null_keys: number | null
  readonly strangers: number | null
  readonly members: number | null
  readonly entered: number | null
  readonly left: number | null
  readonly ran_at: Date
  readonly milliseconds: number
  readonly error_code: string | null
  readonly error: string | null
}

const RUN_COLUMNS = `cohort, snapshot, published_at, definition, definition_changed, parameters::VARCHAR AS parameters, rows,
  null_keys, strangers, members, entered, exited AS "left", ran_at, milliseconds, error_code, error`
const RUNS = `stoker.cohort_run LEFT JOIN (SELECT snapshot, published_at FROM stoker.snapshot) USING (snapshot)`

/** A lake, or a snapshot, of before there were cohorts has no such table. */
async function areKept(ask: AskCohorts): Promise<boolean> {
  const found = await ask<object>(
    `SELECT 1 AS one FROM information_schema.tables WHERE table_schema = 'stoker' AND table_name = 'cohort_run'`,
  )
  return found.length > 0
}

/** Of each cohort the newest run that succeeded, and a failure since; by name. */
export async function newestCohortRuns(ask: AskCohorts): Promise<CohortRunLine[]> {
  if (!(await areKept(ask))) return []
  return ask<CohortRunLine>(
    `SELECT ${RUN_COLUMNS} FROM ${RUNS}
     QUALIFY row_number() OVER (PARTITION BY cohort, error_code IS NULL ORDER BY snapshot DESC, ran_at DESC) = 1
       AND (error_code IS NULL OR ran_at = max(ran_at) OVER (PARTITION BY cohort))
     ORDER BY cohort, snapshot, ran_at`,
  )
}

/** Runs of one cohort, or of all, the newest first. */
export async function cohortRuns(ask: AskCohorts, cohort: string | undefined, limit: number): Promise<CohortRunLine[]> {
  if (!(await areKept(ask))) return []
  const where = cohort === undefined ? '' : `WHERE cohort = ${sqlText(cohort)}`
  return ask<CohortRunLine>(
    `SELECT ${RUN_COLUMNS} FROM ${RUNS} ${where} ORDER BY snapshot DESC, cohort, ran_at DESC LIMIT ${limit}`,
  )
}

export interface AsOf {
  readonly snapshot: number
  /** The snapshot it was run over last, up to that one. */
  readonly ran: number
}

/**
 * What is known of a cohort as of a snapshot; of the newest it was run over without one.
 * @throws StokerError COHORT_NOT_RUN
 */
export async function cohortAsOf(ask: AskCohorts, cohort: string, snapshot?: number): Promise<AsOf> {
  const isKept = await areKept(ask)
  const upTo = snapshot === undefined ? '' : `FILTER (snapshot <= ${snapshot})`
  const [bounds] = !isKept
    ? []
    : await ask<{ first: number | null; last: number | null }>(
        `SELECT min(snapshot) AS first, max(snapshot) ${upTo} AS last
         FROM stoker.cohort_run WHERE cohort = ${sqlText(cohort)} AND error_code IS NULL`,
      )
  const { first, last } = bounds ?? { first: null, last: null }
  if (first !== null && last !== null) return { snapshot: snapshot ?? last, ran: last }
  if (first !== null)
    throw new StokerError('COHORT_NOT_RUN', `${cohort} was first run over snapshot ${first}, not ${snapshot}`, {
      hint: `ask as of snapshot ${first} or a later one`,
      facts: { cohort, first },
    })
  const names = (await ask<{ cohort: string }>('SELECT DISTINCT cohort FROM stoker.cohort_run')).map(
    (row) => row.cohort,
  )
  const near = nearestName(cohort, names)
  throw new StokerError('COHORT_NOT_RUN', `no cohort ${cohort} was run with success yet`, {
    hint: near !== undefined && near !== cohort ? `did you mean ${near}?` : `run it: stoker cohort run ${cohort}`,
    facts: { cohort },
  })
}

export interface CohortMember {
  readonly patient_key: string
  /** The snapshot since which they are in. */
  readonly entered: number
}

/** A page of the members as of a snapshot, by key. Content. @param after the last key of the page before */
export async function cohortMembers(
  ask: AskCohorts,
  cohort: string,
  { ran }: AsOf,
  page: { readonly after?: string | undefined; readonly limit: number },
): Promise<CohortMember[]> {
  const after = page.after === undefined ? '' : `AND patient_key > ${sqlText(page.after)}`
  return ask<CohortMember>(
    `SELECT patient_key, entered FROM stoker.cohort_member
     WHERE cohort = ${sqlText(cohort)} AND ${heldAt(ran)} ${after} ORDER BY patient_key LIMIT ${page.limit}`,
  )
}

export interface CohortDiff {
  readonly from: AsOf
  readonly to: AsOf
  readonly entered: number
  readonly left: number
  readonly stayed: number
  /** Snapshots in between at which the definition was another than before. */
  readonly redefined: readonly number[]
}

/** Who is in as of one snapshot and not of the other, as counts. `from` may be the later one. @throws StokerError COHORT_NOT_RUN */
export async function cohortDiff(ask: AskCohorts, cohort: string, from: number, to: number): Promise<CohortDiff> {
  const [before, after] = [await cohortAsOf(ask, cohort, from), await cohortAsOf(ask, cohort, to)]
  const [counts] = await ask<{ entered: number; left: number; stayed: number }>(
    `SELECT count(*) FILTER (after AND NOT before) AS entered, count(*) FILTER (before AND NOT after) AS "left",
       count(*) FILTER (before AND after) AS stayed
     FROM (${membership(cohort, before, after)})`,
  )
  const [low, high] = [Math.min(before.ran, after.ran), Math.max(before.ran, after.ran)]
  const changes = await ask<{ snapshot: number }>(
    `SELECT snapshot FROM stoker.cohort_run WHERE cohort = ${sqlText(cohort)} AND error_code IS NULL AND definition_changed
       AND snapshot > ${low} AND snapshot <= ${high} ORDER BY snapshot`,
  )
  return { from: before, to: after, ...counts!, redefined: changes.map(({ snapshot }) => snapshot) }
}

export interface MovedMember {
  readonly patient_key: string
  readonly change: 'entered' | 'left'
}

/** A page of who entered and left, by key. Content. */
export async function cohortMoved(
  ask: AskCohorts,
  cohort: string,
  { from, to }: Pick<CohortDiff, 'from' | 'to'>,
  page: { readonly after?: string | undefined; readonly limit: number },
): Promise<MovedMember[]> {
  const after = page.after === undefined ? '' : `AND patient_key > ${sqlText(page.after)}`
  return ask<MovedMember>(
    `SELECT patient_key, CASE WHEN after THEN 'entered' ELSE 'left' END AS change
     FROM (${membership(cohort, from, to)}) WHERE before <> after ${after} ORDER BY patient_key LIMIT ${page.limit}`,
  )
}

/** One row a patient: several intervals of one may lie on either side. */
function membership(cohort: string, from: AsOf, to: AsOf): string {
  return `SELECT patient_key, bool_or(${heldAt(from.ran)}) AS before, bool_or(${heldAt(to.ran)}) AS after
    FROM stoker.cohort_member WHERE cohort = ${sqlText(cohort)} GROUP BY patient_key`
}
