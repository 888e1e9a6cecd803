/** The state of a run in one word, and how a run that is not over goes on. */
import type { RunRecord } from './runs.ts'
import { durationText } from '../core/figures.ts'

/** `cancelled` and `failed` are the two ways of being given up; the ledger's other words are its own. */
export function stateText({ state, error_code }: Pick<RunRecord, 'state' | 'error_code'>): string {
  if (state !== 'failed' && state !== 'abandoned') return state
  return error_code === 'CANCELLED' ? 'cancelled' : 'failed'
}

/** How long the run was under way, up to its commit at least; undefined before that. */
export function tookText(run: Pick<RunRecord, 'started_at' | 'committed_at' | 'ended_at'>): string | undefined {
  const ended = run.ended_at ?? run.committed_at
  return ended === null ? undefined : durationText(ended.getTime() - run.started_at.getTime())
}

/** Undefined of a run that is over. */
export function goesOnText({ source, run, state }: Pick<RunRecord, 'source' | 'run' | 'state'>): string | undefined {
  const way = WAYS[state]
  return way === undefined ? undefined : `run ${run} is ${way}: stoker sync ${source}`
}

const WAYS: Readonly<Partial<Record<RunRecord['state'], string>>> = {
  open: 'open, and goes on where it stopped',
  committed: 'committed, and is still to be published',
  published: 'published, and its export still to be released',
  abandoned: 'given up, and still to be cleared away',
}
