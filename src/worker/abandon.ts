/** Giving a run up: nothing of it was committed. */
import { rm } from 'node:fs/promises'
import type { BulkClient } from '../bulk/client.ts'
import { exportsOf, moveExport } from '../ledger/exports.ts'
import { forgetSignatures } from '../ledger/files.ts'
import { giveUpRun, moveRun, type RunError } from '../ledger/runs.ts'
import type { RunContext } from './context.ts'
import { nextStep } from './export-life.ts'
import type { Source } from './source.ts'

/** A run that ends; without a client, that of a source no longer configured, whose server can not be told. */
export interface EndingRun extends Pick<RunContext, 'ledger' | 'run' | 'lake' | 'clock' | 'signal'> {
  readonly source: Pick<Source, 'name'>
  readonly client: Pick<BulkClient, 'release'> | undefined
}

/**
 * Ends a run for good. From the first line on it is never gone on with, even if the rest is left to the next start.
 * Gives how many exports stay at the server.
 */
export async function abandonRun(context: EndingRun, facts: RunError): Promise<number> {
  await giveUpRun(context.ledger, context.run, facts, context.clock.now())
  return clearAway(context)
}

/**
 * Of a run that was given up: what it fetched goes, and the server may forget its exports. Gives how many of them it was
 * not told to forget.
 */
export async function clearAway({ ledger, run, lake, source, clock, client, signal }: EndingRun): Promise<number> {
  let left = 0
  for (const record of await exportsOf(ledger, run)) {
    const { to, release } = nextStep(record.state, 'cancelled')
    if (release && record.status_url !== null && !(await isReleased(client, record.status_url, signal))) left += 1
    if (to !== record.state) await moveExport(ledger, record.export, to, clock.now())
  }
  for (const folder of [lake.staging(run), lake.rawRun(source.name, run)]) {
    await rm(folder, { recursive: true, force: true })
  }
  await forgetSignatures(ledger, run)
  await moveRun(ledger, run, 'failed', clock.now())
  return left
}

async function isReleased(client: EndingRun['client'], statusUrl: string, signal: AbortSignal): Promise<boolean> {
  try {
    await client?.release(statusUrl, signal)
    return client !== undefined
  } catch {
    signal.throwIfAborted()
    return false
  }
}
