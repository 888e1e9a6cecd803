/** What the ledger says when the worker starts: which sources have a run to go on with, when each last began one, which fail. */
import type { RunState } from '../ledger/runs.ts'
import type { Session } from '../store/session.ts'
import type { SourceState } from './control.ts'

export interface StartLook {
  /** Sources with an unfinished run, those first whose rows are committed and not yet published. */
  readonly unfinished: readonly string[]
  readonly lastStarts: ReadonlyMap<string, Date>
  /** Of sources whose runs failed before: a start mends nothing. */
  readonly failing: ReadonlyMap<string, Pick<SourceState, 'failures' | 'error'>>
}

export async function lookAtLedger(ledger: Session): Promise<StartLook> {
  const unfinished = await ledger.rows<{ source: string; state: RunState }>(
    `SELECT source, state FROM stoker.run WHERE state NOT IN ('done', 'failed')
     ORDER BY state NOT IN ('committed', 'published'), commit_number, run`,
  )
  const starts = await ledger.rows<{ source: string; started_at: Date }>(
    'SELECT source, max(started_at) AS started_at FROM stoker.run GROUP BY source',
  )
  return {
    unfinished: [...new Set(unfinished.map(({ source }) => source))],
    lastStarts: new Map(starts.map(({ source, started_at }) => [source, started_at])),
    failing: new Map((await ledger.rows<Failed>(FAILED_SQL)).map((failed) => [failed.source, failureOf(failed)])),
  }
}

interface Failed {
  readonly source: string
  readonly run: number
  readonly failures: number
  readonly at: Date
  readonly is_over: boolean
  readonly error_code: string
  readonly error_message: string | null
  readonly error_hint: string | null
}

/**
 * The newest failure of each source since its last run that did not fail, or that an operator ended. A run that is gone on
 * with fails several times and is one; one that a changed configuration ended has not failed.
 */
const FAILED_SQL = `
  WITH ended AS (
    SELECT source, max(run) AS run FROM stoker.run WHERE state = 'done' OR error_code = 'CANCELLED' GROUP BY source)
  SELECT r.source, r.run, count(*) OVER (PARTITION BY r.source)::INTEGER AS failures,
    coalesce(r.ended_at, (SELECT max(p.ended_at) FROM stoker.run_phase AS p WHERE p.run = r.run), r.started_at) AS at,
    r.state IN ('abandoned', 'failed') AS is_over, r.error_code, r.error_message, r.error_hint
  FROM stoker.run AS r LEFT JOIN ended AS e ON e.source = r.source
  WHERE r.error_code IS NOT NULL AND r.error_code <> 'SOURCE_CHANGED' AND r.run > coalesce(e.run, 0)
  QUALIFY row_number() OVER (PARTITION BY r.source ORDER BY r.run DESC) = 1`

/** An error that time may mend leaves its run open. */
function failureOf(failed: Failed): Pick<SourceState, 'failures' | 'error'> {
  const { run, failures, at, is_over, error_code: code, error_message, error_hint } = failed
  const said = { message: error_message ?? '', hint: error_hint ?? undefined }
  return { failures, error: { at, run, code, ...said, retryable: !is_over } }
}
