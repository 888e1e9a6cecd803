/** An error of a definition's SELECT: where in its file, and without what it may quote of patients. */
import { StokerError } from '../../core/errors.ts'
import type { CohortDefinition } from './definition.ts'

/** DuckDB finds these before it reads a row: their words quote the definition alone. */
const OF_TEXT = /^(Parser|Binder|Catalog|Syntax) Error: /

/** What {@link cohortError} passes on: limits, the disk, the snapshot. */
export function cohortError(definition: CohortDefinition, error: unknown): unknown {
  if (!(error instanceof StokerError) || !['QUERY_FAILED', 'QUERY_REFUSED', 'QUERY_PARAMETER'].includes(error.code))
    return error
  const { name, file, sqlLine } = definition
  const line = /\bLINE (\d+):/.exec(error.message)?.[1]
  const words = error.message.split('\n', 1)[0]!
  const facts = { cohort: name, file, line: line === undefined ? undefined : sqlLine + Number(line) - 1 }
  const place = facts.line === undefined ? name : `${name}, line ${facts.line}`
  if (error.code !== 'QUERY_FAILED' || OF_TEXT.test(words)) {
    const candidates = /^Candidate bindings: .*$/m.exec(error.message)?.[0]
    return new StokerError('COHORT_SQL', `${place}: ${[words, candidates].filter(Boolean).join(' ')}`, {
      hint: 'put its SELECT right; stoker query "DESCRIBE condition" tells the columns of a table',
      facts,
      cause: error,
    })
  }
  const kind = /^([A-Z][\w -]*? Error)/.exec(words)?.[1] ?? 'an error'
  return new StokerError('COHORT_DATA', `${place}: a value of the data stopped it (${kind})`, {
    hint: 'run it with stoker query to see which, and take TRY_CAST or leave such rows out',
    facts,
    cause: error,
  })
}
