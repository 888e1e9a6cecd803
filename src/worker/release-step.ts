/** The end of a run towards the server: its exports may be forgotten. */
import { isAbort, StokerError } from '../core/errors.ts'
import { exportOf, exportsOf, moveExport, type ExportRecord } from '../ledger/exports.ts'
import type { RunContext } from './context.ts'
import { nextStep, type ExportEvent } from './export-life.ts'

export async function releaseExports(context: RunContext): Promise<void> {
  for (const record of await exportsOf(context.ledger, context.run)) await release(context, record, 'published')
}

/** Lets the server forget an export whose files are all in the raw log, so that it has a place for the next one. */
export async function releasePlace(context: RunContext, { export: id }: ExportRecord): Promise<void> {
  await release(context, (await exportOf(context.ledger, id))!, 'place-needed')
}

/** The data are safe: a server that does not let go of its export is worth a note, not a failure. */
async function release(context: RunContext, record: ExportRecord, event: ExportEvent): Promise<void> {
  const { source, client, ledger, clock, signal } = context
  const asked = nextStep(record.state, event).release && source.release
  if (!asked || record.status_url === null) return
  try {
    await client.release(record.status_url, signal)
    await moveExport(ledger, record.export, nextStep(record.state, 'released').to, clock.now())
  } catch (error) {
    if (isAbort(error) || !(error instanceof StokerError)) throw error
    context.tell({ kind: 'note', text: `the server did not delete its export: ${error.record}` })
  }
}
