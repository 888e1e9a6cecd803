/** Giving a run up: nothing of it was committed. */
import { rm } from 'node:fs/promises'
import { exportsOf, moveExport } from '../ledger/exports.ts'
import { forgetSignatures } from '../ledger/files.ts'
import { failRun } from '../ledger/runs.ts'
import type { RunContext } from './context.ts'
import { nextStep } from './export-life.ts'

/** Ends a run for good: what it fetched goes, and the server may forget its exports. */
export async function abandonRun(
  context: RunContext,
  facts: { readonly code: string; readonly message: string },
): Promise<void> {
  const { ledger, run, lake, source, clock, client, signal } = context
  await forgetSignatures(ledger, run)
  await failRun(ledger, run, facts, clock.now())
  for (const folder of [lake.staging(run), lake.rawRun(source.name, run)])
    await rm(folder, { recursive: true, force: true })
  for (const record of await exportsOf(ledger, run)) {
    const { to, act } = nextStep(record.state, 'cancelled')
    // An export that ended by itself is deleted too: some servers have no place for another one before.
    const isOurs = record.status_url !== null && source.manifestUrl === undefined
    if (isOurs && (act === 'release' || record.state === 'over')) {
      await client.release(record.status_url, signal).catch(() => undefined)
    }
    if (to !== record.state) await moveExport(ledger, record.export, to, clock.now())
  }
}
