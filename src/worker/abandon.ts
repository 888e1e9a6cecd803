/** Giving a run up: nothing of it was committed. */
import { rm } from 'node:fs/promises'
import { exportsOf, moveExport } from '../ledger/exports.ts'
import { forgetSignatures } from '../ledger/files.ts'
import { giveUpRun, moveRun } from '../ledger/runs.ts'
import type { RunContext } from './context.ts'
import { nextStep } from './export-life.ts'

/** Ends a run for good. From the first line on it is never gone on with, even if the rest is left to the next start. */
export async function abandonRun(
  context: RunContext,
  facts: { readonly code: string; readonly message: string },
): Promise<void> {
  await giveUpRun(context.ledger, context.run, facts, context.clock.now())
  await clearAway(context)
}

/** Of a run that was given up: what it fetched goes, and the server may forget its exports. */
export async function clearAway({ ledger, run, lake, source, clock, client, signal }: RunContext): Promise<void> {
  for (const record of await exportsOf(ledger, run)) {
    const { to, release } = nextStep(record.state, 'cancelled')
    if (release && record.status_url !== null) {
      await client.release(record.status_url, signal).catch(() => signal.throwIfAborted())
    }
    if (to !== record.state) await moveExport(ledger, record.export, to, clock.now())
  }
  for (const folder of [lake.staging(run), lake.rawRun(source.name, run)]) {
    await rm(folder, { recursive: true, force: true })
  }
  await forgetSignatures(ledger, run)
  await moveRun(ledger, run, 'failed', clock.now())
}
