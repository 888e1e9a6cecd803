/** The gathering of a run: every export asked for, waited for, and its files taken to the raw log as they are listed. */
import PQueue from 'p-queue'
import { isAbort } from '../core/errors.ts'
import { exportsOf, type ExportRecord } from '../ledger/exports.ts'
import { Addresses } from './addresses.ts'
import type { RunContext } from './context.ts'
import { followExport } from './follow-export.ts'
import { Loader } from './loader.ts'
import { planNewcomers } from './newcomers.ts'
import { releasePlace } from './release-step.ts'

/**
 * As many exports at a time as the server allows its clients, in the order of the plan. One that only lists who is in a
 * Group comes first: what else is asked may depend on it. Where the server has no place for the next export before an
 * earlier one is deleted, that one is released as soon as its files are in the raw log.
 */
export async function gather(context: RunContext): Promise<void> {
  const loader = new Loader(context, new Addresses(context))
  const follow = (record: ExportRecord) => followExport(context, record, loader)
  for (const record of (await exportsOf(context.ledger, context.run)).filter((each) => each.purpose === 'members')) {
    if (isDue(record)) await follow(record)
    // Also of a list that an earlier process took to its end, and no further.
    await planNewcomers(context, record)
    await releasePlace(context, record)
  }
  const places = new PQueue({ concurrency: context.source.profile.exportsAtOnce })
  const waiting = (await exportsOf(context.ledger, context.run)).filter(isDue)
  let left = waiting.length
  const ended = await Promise.allSettled(
    waiting.map((record) =>
      places.add(async () => {
        try {
          loader.signal.throwIfAborted()
          await follow(record)
          left -= 1
          if (left > 0) await releasePlace(context, record)
        } catch (error) {
          // The others stop where they are, and go on at the next start.
          loader.abort(error)
          throw error
        }
      }),
    ),
  )
  context.signal.throwIfAborted()
  const errors = ended.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []))
  if (errors.length > 0) throw errors.find((error) => !isAbort(error)) ?? errors[0]
}

/** Its files are not all in the raw log. */
function isDue({ state }: ExportRecord): boolean {
  return ['planned', 'requested', 'ready'].includes(state)
}
