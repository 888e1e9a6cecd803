/** Membership as intervals between snapshots: merged as sets, told as of any snapshot. */
import { sqlText } from '../../core/sql.ts'
import type { Session } from '../../store/session.ts'
import { FOUND_TABLE } from './members.ts'

export interface Moved {
  readonly entered: number
  readonly exited: number
}

/**
 * Makes what {@link FOUND_TABLE} has the members as of `snapshot`, which is the last one the cohort was run over, or a later
 * one. What an earlier run over the same snapshot did is taken back first. Call it in a transaction.
 */
export async function mergeMembers(session: Session, cohort: string, snapshot: number): Promise<Moved> {
  const of = `cohort = ${sqlText(cohort)}`
  await takeBack(session, cohort, snapshot)
  const exited = await session.run(
    `UPDATE stoker.cohort_member SET left_at = ${snapshot} WHERE ${of} AND left_at IS NULL
       AND patient_key NOT IN (SELECT patient_key FROM ${FOUND_TABLE} WHERE is_patient)`,
  )
  const entered = await session.run(
    `INSERT INTO stoker.cohort_member
     SELECT ${sqlText(cohort)}, patient_key, ${snapshot}, NULL FROM ${FOUND_TABLE} WHERE is_patient AND patient_key NOT IN
       (SELECT patient_key FROM stoker.cohort_member WHERE ${of} AND left_at IS NULL)`,
  )
  return { entered, exited }
}

async function takeBack(session: Session, cohort: string, snapshot: number): Promise<void> {
  const of = `cohort = ${sqlText(cohort)}`
  await session.run(`DELETE FROM stoker.cohort_member WHERE ${of} AND entered = ${snapshot}`)
  await session.run(`UPDATE stoker.cohort_member SET left_at = NULL WHERE ${of} AND left_at = ${snapshot}`)
}

/** SQL: whether a row of `stoker.cohort_member` holds as of a snapshot. */
export function heldAt(snapshot: number): string {
  return `(entered <= ${snapshot} AND (left_at IS NULL OR left_at > ${snapshot}))`
}
