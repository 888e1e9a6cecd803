/** The rows a purge takes: of view tables, index, past, Groups, cohorts, and what the ledger says of whom it asked for. */
import { sqlText } from '../../core/sql.ts'
import type { Session } from '../../store/session.ts'
import { markChanged } from '../tables/view-tables.ts'
import { viewTable } from '../tables/view.ts'
import { goneIndexRows, goneRows } from './gone.ts'
import { wordPattern, type PurgeSubject } from './subject.ts'

export interface RowsGone {
  readonly viewRows: number
  readonly indexRows: number
}

/** Call it in a transaction; done again it finds nothing. */
export async function removeRows(session: Session, purge: number, subject: PurgeSubject): Promise<RowsGone> {
  const { source } = subject
  const gone = goneRows(purge, subject)
  let viewRows = 0
  for (const { name } of await session.rows<{ name: string }>('SELECT name FROM stoker.view_table ORDER BY name')) {
    const rows = await session.run(`DELETE FROM ${viewTable(name)} WHERE ${gone}`)
    if (rows > 0) await markChanged(session, name)
    viewRows += rows
  }
  await leaveCohorts(session, subject)
  const indexRows =
    subject.kind === 'source' ? await dropSource(session, source) : await dropKeys(session, purge, subject)
  return { viewRows, indexRows }
}

/** Sizes stay as they were. A parameter, and so an error, may name a patient whom somebody wanted in, or out. */
async function leaveCohorts(session: Session, subject: PurgeSubject): Promise<void> {
  const { source } = subject
  if (subject.kind !== 'source' && subject.type !== 'Patient') return
  const key = subject.kind === 'source' ? `${source}/Patient/` : `${source}/Patient/${subject.id}`
  const isGone =
    subject.kind === 'source' ? `starts_with(patient_key, ${sqlText(key)})` : `patient_key = ${sqlText(key)}`
  await session.run(`DELETE FROM stoker.cohort_member WHERE ${isGone}`)
  await session.run(
    `UPDATE stoker.cohort_run SET parameters = NULL WHERE contains(parameters::VARCHAR, ${sqlText(key)})`,
  )
}

async function dropKeys(
  session: Session,
  purge: number,
  subject: Exclude<PurgeSubject, { kind: 'source' }>,
): Promise<number> {
  const { source, type, id } = subject
  let rows = 0
  for (const table of ['resource', 'resource_past']) {
    rows += await session.run(`DELETE FROM stoker.${table} WHERE ${goneIndexRows(purge, subject)}`)
  }
  if (type !== 'Patient') return rows
  await session.run('DELETE FROM stoker.member WHERE source = $1 AND patient = $2', [source, id])
  // An export of those who joined a Group names them.
  await session.run(
    `UPDATE stoker.export SET request = json_merge_patch(request, json_object('patients', list_filter(
       json_extract_string(request, '$.patients[*]'), patient -> patient <> $2)))
     WHERE run IN (SELECT run FROM stoker.run WHERE source = $1) AND list_contains(json_extract_string(request, '$.patients[*]'), $2)`,
    [source, id],
  )
  await session.run(
    `UPDATE stoker.export SET request_url = regexp_replace(request_url, '[?#].*', '')
     WHERE run IN (SELECT run FROM stoker.run WHERE source = $1) AND regexp_matches(request_url, $2)`,
    [source, wordPattern(id)],
  )
  return rows
}

/** Its runs stay in the ledger, marked; nothing of what they brought does. */
async function dropSource(session: Session, source: string): Promise<number> {
  const runs = '(SELECT run FROM stoker.run WHERE source = $1)'
  let rows = 0
  for (const table of ['resource', 'resource_past']) {
    rows += await session.run(`DELETE FROM stoker.${table} WHERE source = $1`, [source])
  }
  for (const table of ['member', 'watermark', 'history']) {
    await session.run(`DELETE FROM stoker.${table} WHERE source = $1`, [source])
  }
  await session.run(`DELETE FROM stoker.reject WHERE run IN ${runs}`, [source])
  await session.run(`UPDATE stoker.file SET raw_path = NULL, kept = 0 WHERE run IN ${runs}`, [source])
  await session.run(
    `UPDATE stoker.export SET request = json_merge_patch(request, '{"patients":null}'), request_url = regexp_replace(request_url, '[?#].*', '')
     WHERE run IN ${runs}`,
    [source],
  )
  await session.run(
    `UPDATE stoker.run SET error_code = 'PURGED', error_message = 'what it brought was purged' WHERE source = $1 AND state = 'done'`,
    [source],
  )
  return rows
}
