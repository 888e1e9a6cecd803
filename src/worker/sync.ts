/** A sync: one run for each of several sources, one after the other; one that fails does not stop the others. */
import { isAbort } from '../core/errors.ts'
import { foreseen } from '../core/system-error.ts'
import type { WorkerContext } from './context.ts'
import { runSource, type RunOutcome } from './run.ts'
import type { Source } from './source.ts'

export type SourceResult =
  { readonly source: string; readonly outcome: RunOutcome } | { readonly source: string; readonly error: unknown }

/** Ends early, with what was done so far and an AbortError, when the process is asked to stop. */
export async function syncSources(
  context: WorkerContext,
  sources: readonly Source[],
  full: boolean,
): Promise<SourceResult[]> {
  const results: SourceResult[] = []
  for (const source of sources) {
    try {
      results.push({ source: source.name, outcome: await runSource(context, source, full) })
    } catch (error) {
      results.push({ source: source.name, error: foreseen(error) })
      if (isAbort(error) || context.signal.aborted) break
    }
  }
  return results
}
