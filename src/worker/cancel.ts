/** Cancelling: an operator gives up the run a source is in the middle of. */
import { unfinishedRun } from '../ledger/runs.ts'
import { abandonRun } from './abandon.ts'
import type { WorkerContext } from './context.ts'
import type { Source } from './source.ts'

export type Cancelled =
  | { readonly source: string; readonly result: 'cancelled'; readonly run: number }
  /** Its rows are in already: the next sync only has to publish them. */
  | { readonly source: string; readonly result: 'committed'; readonly run: number }
  | { readonly source: string; readonly result: 'nothing' }

/** Ends the open run of `source`: its exports are deleted at the server, its files here; nothing of it was committed. */
export async function cancelSource(context: WorkerContext, source: Source): Promise<Cancelled> {
  const held = await unfinishedRun(context.ledger, source.name)
  if (held === undefined) return { source: source.name, result: 'nothing' }
  const { run } = held
  if (held.state !== 'open' && held.state !== 'abandoned') return { source: source.name, result: 'committed', run }
  const client = source.connect(() => undefined)
  try {
    const tell = () => undefined
    await abandonRun(
      { ...context, source, client, run, tell },
      { code: 'CANCELLED', message: 'cancelled by an operator' },
    )
  } finally {
    await client.close()
  }
  return { source: source.name, result: 'cancelled', run }
}
