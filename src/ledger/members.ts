/** The patients of an exported Group: who is in it, who joined, who left. */
import { rawRelation } from '../store/raw-log.ts'
import type { Session } from '../store/session.ts'

/** Ids of the Patient lines in `paths` that are not known as members: they joined since the last committed run. */
export async function newcomersIn(
  session: Session,
  source: string,
  groupKey: string,
  paths: readonly string[],
): Promise<string[]> {
  const rows = await session.rows<{ id: string }>(
    `SELECT DISTINCT id FROM ${rawRelation(paths)} WHERE type = 'Patient'
       AND id NOT IN (SELECT patient FROM stoker.member WHERE source = $1 AND group_key = $2 AND left_run IS NULL) ORDER BY id`,
    [source, groupKey],
  )
  return rows.map((row) => row.id)
}

export interface MemberChanges {
  /** Whether any member was known before: the first time everybody joins. */
  readonly known: boolean
  readonly joined: number
  readonly left: number
  /** Of those who joined, how many had been in it before. */
  readonly returned: number
}

/**
 * Takes the Patient lines in `paths` for the whole membership; call it in the transaction that commits their rows. Who
 * left is kept, with the run that saw it; of another server or Group nothing is.
 * @param groupKey server and Group, as text
 */
export async function recordMembers(
  session: Session,
  run: number,
  source: string,
  groupKey: string,
  paths: readonly string[],
): Promise<MemberChanges> {
  await session.run('DELETE FROM stoker.member WHERE source = $1 AND group_key <> $2', [source, groupKey])
  const before = await session.first<{ known: boolean }>(
    'SELECT count(*) > 0 AS known FROM stoker.member WHERE source = $1',
    [source],
  )
  await session.run(
    `CREATE OR REPLACE TEMP TABLE _present AS SELECT DISTINCT id FROM ${rawRelation(paths)} WHERE type = 'Patient'`,
  )
  const left = await session.run(
    `UPDATE stoker.member SET left_run = $2, seen_run = NULL
     WHERE source = $1 AND (left_run IS NULL OR seen_run IS NOT NULL) AND patient NOT IN (SELECT id FROM temp._present)`,
    [source, run],
  )
  const returned = await session.run(
    `DELETE FROM stoker.member WHERE source = $1 AND left_run IS NOT NULL AND patient IN (SELECT id FROM temp._present)`,
    [source],
  )
  const joined = await session.run(
    `INSERT INTO stoker.member SELECT $1, $3, id, $2, NULL, NULL FROM temp._present
     WHERE id NOT IN (SELECT patient FROM stoker.member WHERE source = $1)`,
    [source, run, groupKey],
  )
  await session.run('DROP TABLE temp._present')
  return { known: before?.known ?? false, joined, left, returned }
}

/**
 * Notes the patients in `paths` who are not in the Group as far as is known, though their rows come: the list may have been
 * made before they joined, or could not be relied on. Whom the next list does not have has left by then. Where no list was
 * ever recorded nothing is noted: the first one asks who is no member.
 */
export async function noteSeen(
  session: Session,
  run: number,
  source: string,
  groupKey: string,
  paths: readonly string[],
): Promise<void> {
  await session.run(
    `CREATE OR REPLACE TEMP TABLE _seen AS SELECT DISTINCT id FROM ${rawRelation(paths)} WHERE type = 'Patient'`,
  )
  await session.run(
    `UPDATE stoker.member SET seen_run = $2
     WHERE source = $1 AND group_key = $3 AND left_run IS NOT NULL AND patient IN (SELECT id FROM temp._seen)`,
    [source, run, groupKey],
  )
  await session.run(
    `INSERT INTO stoker.member SELECT $1, $3, id, $2, $2, $2 FROM temp._seen
     WHERE id NOT IN (SELECT patient FROM stoker.member WHERE source = $1)
       AND EXISTS (FROM stoker.member WHERE source = $1 AND group_key = $3)`,
    [source, run, groupKey],
  )
  await session.run('DROP TABLE temp._seen')
}

/** Patients who joined in a run, as a relation like {@link MEMBERS}. */
export function joinedIn(run: number): string {
  return `(SELECT patient FROM stoker.member WHERE source = $1 AND left_run IS NULL AND joined_run = ${run})`
}

/** Patients who were in the Group, as a relation like {@link MEMBERS}. */
export const LEFT = '(SELECT patient FROM stoker.member WHERE source = $1 AND left_run IS NOT NULL)'

/** Patients who are in the Group, as a relation `(patient)` in parentheses; `$1` is the source. */
export const MEMBERS = '(SELECT patient FROM stoker.member WHERE source = $1 AND left_run IS NULL)'
