/** Cancelling: an operator gives up the run a source is in the middle of. */
import { withIds } from '../core/log.ts'
import { unfinishedRun } from '../ledger/runs.ts'
import { abandonRun } from './abandon.ts'
import type { WorkerContext } from './context.ts'
import type { Source } from './source.ts'

export type Cancelled =
  | { readonly source: string; readonly result: 'cancelled'; readonly run: number; readonly exportsLeft: number }
  /** Its rows are in already: the next sync only has to publish them. */
  | { readonly source: string; readonly result: 'committed'; readonly run: number }
  | { readonly source: string; readonly result: 'nothing' }

/** A source, or what is left of one that is no longer configured. */
export type CancelledSource = Source | { readonly name: string; readonly connect?: never }

/** Ends the open run of `source`: its exports are deleted at the server, its files here; nothing of it was committed. */
export async function cancelSource(context: WorkerContext, source: CancelledSource): Promise<Cancelled> {
  const held = await unfinishedRun(context.ledger, source.name)
  if (held === undefined) return { source: source.name, result: 'nothing' }
  const { run } = held
  if (held.state !== 'open' && held.state !== 'abandoned') return { source: source.name, result: 'committed', run }
  const { name } = source
  const log = withIds(context.log, () => ({ source: name, run }))
  const client = source.connect?.(() => undefined, log)
  try {
    const exportsLeft = await abandonRun(
      { ...context, source: { name }, client, run },
      { code: 'CANCELLED', message: 'cancelled by an operator' },
    )
    context.observe({ source: name, run, kind: 'cancelled' })
    return { source: name, result: 'cancelled', run, exportsLeft }
  } finally {
    await client?.close()
  }
}
