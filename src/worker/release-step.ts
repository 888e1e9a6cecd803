/** The end of a run towards the server: its exports may be forgotten. */
import { isAbort, StokerError } from '../core/errors.ts'
import { exportsOf, recordReleased } from '../ledger/exports.ts'
import type { RunContext } from './context.ts'

/** The rows are safe: a server that does not let go of its export is worth a note, not a failure. */
export async function releaseExports(context: RunContext): Promise<void> {
  if (!context.source.release) return
  for (const record of await exportsOf(context.ledger, context.run)) {
    if (record.state !== 'ready' || record.status_url === null) continue
    try {
      await context.client.release(record.status_url, context.signal)
      await recordReleased(context.ledger, record.export)
    } catch (error) {
      if (isAbort(error) || !(error instanceof StokerError)) throw error
      context.tell({ kind: 'note', text: `the server did not delete its export: ${error.message}` })
    }
  }
}
