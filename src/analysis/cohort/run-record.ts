/** The ledger's record of what came of a cohort over a snapshot. */
import { StokerError } from '../../core/errors.ts'
import type { Session } from '../../store/session.ts'
import { parameterValues, type CohortDefinition } from './definition.ts'
import type { Moved } from './intervals.ts'
import type { FoundMembers } from './members.ts'

/** Of the newest snapshot that a cohort was run over with success. */
export interface LastRun extends FoundMembers {
  readonly snapshot: number
  readonly definition: string
  readonly definitionChanged: boolean
  readonly entered: number
  readonly left: number
  readonly milliseconds: number
}

export async function lastRun(session: Session, cohort: string): Promise<LastRun | undefined> {
  return session.first<LastRun>(
    `SELECT snapshot, definition, definition_changed AS "definitionChanged", rows, null_keys AS "nullKeys", strangers, members,
       entered, exited AS "left", milliseconds
     FROM stoker.cohort_run WHERE cohort = $1 AND error_code IS NULL ORDER BY snapshot DESC LIMIT 1`,
    [cohort],
  )
}

export interface RecordedRun {
  readonly definition: CohortDefinition
  readonly snapshot: number
  readonly startedAt: Date
  readonly milliseconds: number
}

/** In the transaction that moves the members; takes the place of what is recorded of the same snapshot. */
export async function recordRun(
  session: Session,
  run: RecordedRun & { readonly found: FoundMembers; readonly moved: Moved },
): Promise<Omit<LastRun, 'snapshot' | 'definition'>> {
  const { definition, snapshot, milliseconds, found, moved } = run
  const before = await session.first<{ definition: string }>(
    `SELECT definition FROM stoker.cohort_run WHERE cohort = $1 AND snapshot < $2 AND error_code IS NULL
     ORDER BY snapshot DESC LIMIT 1`,
    [definition.name, snapshot],
  )
  const definitionChanged = before !== undefined && before.definition !== definition.hash
  await session.run('DELETE FROM stoker.cohort_run WHERE cohort = $1 AND snapshot = $2', [definition.name, snapshot])
  const counts = [found.rows, found.nullKeys, found.strangers, found.members, moved.entered, moved.exited]
  await insert(session, run, definitionChanged, counts, null, null)
  return { ...found, entered: moved.entered, left: moved.exited, definitionChanged, milliseconds }
}

/** The last failure over a snapshot; what succeeded over it before stays. */
export async function recordFailure(session: Session, run: RecordedRun, error: unknown): Promise<void> {
  const { name } = run.definition
  await session.run('DELETE FROM stoker.cohort_run WHERE cohort = $1 AND snapshot = $2 AND error_code IS NOT NULL', [
    name,
    run.snapshot,
  ])
  const { code, record } = error instanceof StokerError ? error : { code: 'INTERNAL', record: 'an error of Stoker' }
  await insert(session, run, false, [null, null, null, null, null, null], code, record)
}

async function insert(
  session: Session,
  { definition, snapshot, startedAt, milliseconds }: RecordedRun,
  definitionChanged: boolean,
  counts: readonly (number | null)[],
  errorCode: string | null,
  error: string | null,
): Promise<void> {
  const parameters = JSON.stringify(parameterValues(definition))
  await session.run(
    `INSERT INTO stoker.cohort_run (cohort, snapshot, definition, definition_changed, parameters, rows, null_keys, strangers,
       members, entered, exited, ran_at, milliseconds, error_code, error)
     VALUES ($1, $2, $3, $4, $5::JSON, $6, $7, $8, $9, $10, $11, $12::TIMESTAMPTZ, $13, $14, $15)`,
    [
      ...[definition.name, snapshot, definition.hash, definitionChanged, parameters],
      ...counts,
      ...[startedAt.toISOString(), milliseconds, errorCode, error],
    ],
  )
}

export async function forgetCohort(session: Session, cohort: string): Promise<void> {
  for (const table of ['cohort_run', 'cohort_member']) {
    await session.run(`DELETE FROM stoker.${table} WHERE cohort = $1`, [cohort])
  }
}
