/** What belongs to the patients who are no longer in an exported Group. */
import { sqlText } from '../../core/sql.ts'
import type { Session } from '../../store/session.ts'
import type { Lake } from '../lake.ts'
import { patientOf, patientStruct } from '../patient-reference.ts'
import { rawLines } from '../raw-lines.ts'

export interface Leavers {
  /** Who is in the Group: a relation `(patient)` of ids in parentheses, as SQL text; `$1` in it is the source. */
  readonly members: string
  /** Who was in it and is no more, in the same form; undefined where nobody knows: then it is all who are not members. */
  readonly left: string | undefined
  /** Whether somebody may have left since the last time: looking for what belongs to them reads every line held. */
  readonly changed: boolean
  /** Whether their rows stay, or go. */
  readonly policy: 'keep' | 'remove'
  /**
   * Who is back whose rows had stayed, as a relation like `members`; and of which types their whole history came: of
   * these, what it lacks was deleted meanwhile.
   */
  readonly returned?: { readonly patients: string; readonly types: readonly string[] } | undefined
  /** When the list of members was made. */
  readonly at: Date
}

const PATIENT_REFERENCE = `'"reference"\\s*:\\s*"(?:[^"]*/)?Patient/([^"/?#]+)'`

/**
 * Makes the temporary table `_departed (type, id, back)`: the living resources of patients who are no longer in the Group,
 * and of those who are back in it. What names a member besides is a member's as well.
 */
export async function gatherDeparted(
  session: Session,
  lake: Lake,
  source: string,
  leavers: Leavers | undefined,
): Promise<void> {
  await session.run('CREATE OR REPLACE TEMP TABLE _departed (type VARCHAR, id VARCHAR, back BOOLEAN)')
  if (leavers === undefined) return
  const { members, left, returned } = leavers
  const gone = left === undefined ? `patient NOT IN ${members}` : `patient IN ${left}`
  const back = returned === undefined ? 'false' : `patient IN ${returned.patients}`
  const living = `SELECT file, line, NULL::TIMESTAMPTZ AS deleted_at FROM stoker.resource
    WHERE deleted_by IS NULL AND source = ${sqlText(source)}`
  for (const lines of await rawLines(session, lake, living)) {
    await session.run(
      `INSERT INTO temp._departed
       SELECT type, id, back FROM (
         SELECT type, id, json, ${back} AS back FROM (
           SELECT type, id, json, ${patientOf('type', 'id', 'p')} AS patient
           FROM (SELECT type, id, json, ${patientStruct('json')} AS p FROM ${lines}))
         WHERE patient <> '' AND (${gone} OR ${back}))
       WHERE back OR type = 'Patient' OR NOT list_has_any(
         regexp_extract_all(json, ${PATIENT_REFERENCE}, 1), (SELECT coalesce(list(patient), []) FROM ${members}))`,
      [source],
    )
  }
}
