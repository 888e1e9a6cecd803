/** `stoker cohort run` beside a worker: it runs them, over the newest snapshot, as it does after each. */
import { StokerError } from '../core/errors.ts'
import { countText } from '../core/figures.ts'
import type { CohortLine } from '../http/cohort-desk.ts'
import { errorText } from './error-text.ts'
import { EXIT } from './exit-code.ts'
import { jsonText } from './json-text.ts'
import { textTable } from './text-table.ts'
import type { WorkerClient } from './worker-client.ts'

export interface AskedOfWorker {
  readonly names: readonly string[]
  /** What only a process that holds the lake itself can do. */
  readonly snapshot?: number | undefined
  readonly anew?: boolean | undefined
  readonly json?: boolean | undefined
}

/** @throws StokerError STORE_LOCKED for what the worker does not do */
export async function runCohortsByWorker(worker: WorkerClient, asked: AskedOfWorker): Promise<number> {
  if (asked.snapshot !== undefined || asked.anew === true) {
    throw new StokerError(
      'STORE_LOCKED',
      `the lake is held by a worker, PID ${worker.pid}, which runs cohorts over the newest snapshot`,
      {
        retryable: true,
        hint: 'stop the worker for --snapshot and --anew; --dry-run counts over any snapshot beside it',
      },
    )
  }
  const lines: CohortLine[] = []
  const failed: unknown[] = []
  for (const name of asked.names) {
    try {
      lines.push(await worker.runCohort(name))
    } catch (error) {
      failed.push(error)
      process.stderr.write(errorText(error, false, name))
    }
  }
  process.stdout.write(asked.json === true ? jsonText({ cohorts: lines }) : linesText(lines))
  return failed.length > 0 ? EXIT.failed : EXIT.done
}

function linesText(lines: readonly CohortLine[]): string {
  if (lines.length === 0) return 'no cohort was run\n'
  const right = (head: string) => ({ head, align: 'right' as const })
  const count = (value: number | null) => (value === null ? '' : countText(value))
  return textTable(
    [{ head: 'cohort' }, right('snapshot'), right('members'), right('entered'), right('left')],
    lines.map((line) => [
      line.cohort,
      count(line.snapshot),
      count(line.members),
      count(line.entered),
      count(line.left),
    ]),
  )
}
