/** What the ledger says when the worker starts: which sources have a run to go on with, and when each last began one. */
import type { RunState } from '../ledger/runs.ts'
import type { Session } from '../store/session.ts'

export interface StartLook {
  /** Sources with an unfinished run, those first whose rows are committed and not yet published. */
  readonly unfinished: readonly string[]
  readonly lastStarts: ReadonlyMap<string, Date>
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
  }
}
