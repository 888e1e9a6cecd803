/** Cancelling in a running worker: the run is ended first, then given up as `stoker cancel` does. */
import { StokerError } from '../core/errors.ts'
import { cancelSource } from '../worker/cancel.ts'
import type { WorkerContext } from '../worker/context.ts'
import type { CancelAnswer } from './control.ts'
import type { Roster } from './roster.ts'
import type { ServedSource } from './served-source.ts'

/**
 * Also takes back what the source waits for: its turn, or to be tried again.
 * @throws StokerError CANCEL_COMMITTED when its rows are in: then the run is taken to its end
 */
export async function cancelServed(
  context: WorkerContext,
  roster: Roster,
  served: ServedSource,
): Promise<CancelAnswer> {
  const { underWay, config } = served
  const { name } = config
  if (underWay?.fold?.progress.step === 'publishing') throw committed(name, underWay.fold.progress.run)
  underWay?.abort.abort()
  await underWay?.ended
  roster.happened(served, 'withdrawn')
  served.full = false
  const cancelled = await cancelSource(context, served.source)
  if (cancelled.result === 'committed') {
    if (roster.get(name) === served) roster.happened(served, 'trigger')
    throw committed(name, cancelled.run)
  }
  if (cancelled.result === 'nothing') return { run: undefined }
  Object.assign(served, { failures: 0, error: undefined })
  context.log.info({ source: name, run: cancelled.run, exportsLeft: cancelled.exportsLeft }, 'run cancelled')
  return { run: cancelled.run }
}

function committed(source: string, run: number): StokerError {
  return new StokerError('CANCEL_COMMITTED', `run ${run} of ${source} has committed its rows`, {
    hint: 'nothing is left to cancel: it is published, and done in a moment',
    facts: { source, run },
  })
}
