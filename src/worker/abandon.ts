/** Giving a run up: nothing of it was committed. */
import { rm } from 'node:fs/promises'
import { exportsOf } from '../ledger/exports.ts'
import { forgetSignatures } from '../ledger/files.ts'
import { failRun } from '../ledger/runs.ts'
import type { RunContext } from './context.ts'

/** Ends a run for good: what it fetched goes, and the server may forget its exports. */
export async function abandonRun(
  context: RunContext,
  facts: { readonly code: string; readonly message: string },
): Promise<void> {
  const { ledger, run, lake, source, clock } = context
  await forgetSignatures(ledger, run)
  await failRun(ledger, run, facts, clock.now())
  for (const folder of [lake.staging(run), lake.rawRun(source.name, run)])
    await rm(folder, { recursive: true, force: true })
  for (const record of await exportsOf(ledger, run)) {
    if (record.status_url !== null)
      await context.client.release(record.status_url, context.signal).catch(() => undefined)
  }
}
