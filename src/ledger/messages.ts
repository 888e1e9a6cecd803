/** What the server said in the error files of an export: OperationOutcome issues by severity and code. */
import { ISSUE_CODES, ISSUE_SEVERITIES } from '../core/issue-codes.ts'
import { sqlText } from '../core/sql.ts'
import { rawRelation } from '../store/raw-log.ts'
import type { Session } from '../store/session.ts'

/** Of what is no code only that there was something: it may name a patient. */
function codeOf(codes: readonly string[], value: string): string {
  return `CASE WHEN ${value} IS NULL OR ${value} IN (${codes.map(sqlText).join(', ')}) THEN ${value} ELSE '(no code)' END`
}

/**
 * Counts the issues of landed error files into the ledger.
 * @param paths their raw log files
 * @returns the severities found, by file.
 */
export async function recordMessages(
  session: Session,
  run: number,
  paths: readonly string[],
): Promise<Map<number, Set<string>>> {
  if (paths.length === 0) return new Map()
  await session.run(
    `INSERT INTO stoker.message
     SELECT $1, file, ${codeOf(ISSUE_SEVERITIES, 'lower(trim(issue.severity))')}, ${codeOf(ISSUE_CODES, 'issue.code')}, count(*) FROM (
       SELECT file, unnest(from_json(json, '{"issue":[{"severity":"VARCHAR","code":"VARCHAR"}]}').issue) AS issue
       FROM ${rawRelation(paths)})
     GROUP BY ALL`,
    [run],
  )
  const severities = new Map<number, Set<string>>()
  const rows = await session.rows<{ file: number; severity: string | null }>(
    'SELECT DISTINCT file, severity FROM stoker.message WHERE run = $1',
    [run],
  )
  for (const { file, severity } of rows) {
    if (!severities.has(file)) severities.set(file, new Set())
    severities.get(file)!.add(severity ?? 'unknown')
  }
  return severities
}
