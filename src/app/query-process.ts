/** The process that answers one query and ends: what a query can do to a process, it does to this one. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { StokerError } from '../core/errors.ts'
import { Lake } from '../warehouse/lake.ts'
import { SnapshotReader } from '../warehouse/reading/reader.ts'
import { fileAnswer } from '../analysis/query/answer.ts'
import { ANSWER_FILE, BEGUN, outcomeOf, type QueryJob, type QueryOutcome } from '../analysis/query/query-job.ts'

/**
 * DuckDB's limit counts its buffers; a text of 4 GB, a list or a regular expression is in no buffer. So much more than the
 * limit the process may have, Node and what answers are made with included.
 */
const BESIDE_BYTES = 512 << 20
const LOOK_MS = 20

process.once('message', (job) => void answer(job as QueryJob))
// Whoever asked is gone.
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'))

async function answer(job: QueryJob): Promise<void> {
  // Where memory runs out all the same, this is the process to go. Not every system has the file.
  await writeFile('/proc/self/oom_score_adj', '1000').catch(() => undefined)
  watchMemory(job.memoryBytes * 1.5 + BESIDE_BYTES)
  let outcome: QueryOutcome
  let reader: SnapshotReader | undefined
  try {
    const spill = join(job.folder, 'spill')
    await mkdir(spill, { mode: 0o700 })
    const { snapshot, living } = job.request
    const { threads, spillBytes } = job
    const options = {
      snapshot,
      living,
      output: job.folder,
      spill,
      spillBytes,
      threads,
      enter: (to: string) => process.chdir(to),
    }
    reader = await SnapshotReader.open(new Lake(job.lake), job.memoryBytes, options)
    process.once('SIGTERM', () => void leave(reader!))
    process.send!(BEGUN)
    const size = await fileAnswer(reader, job.request, job.folder, ANSWER_FILE, job.limits)
    outcome = { size, snapshot: reader.snapshot }
  } catch (error) {
    outcome = outcomeOf(error)
  }
  await reader?.close().catch(() => undefined)
  tell(outcome, () => process.disconnect())
}

/** Nothing here is worth an orderly end but the lease: DuckDB may take minutes to hear of an interrupt. */
async function leave(reader: SnapshotReader): Promise<void> {
  await reader.releaseLease()
  process.kill(process.pid, 'SIGKILL')
}

function watchMemory(bytes: number): void {
  const look = setInterval(() => {
    if (process.memoryUsage.rss() <= bytes) return
    clearInterval(look)
    const error = new StokerError('QUERY_MEMORY', 'the query needs more memory than it may use', {
      hint: 'ask for fewer rows or columns, or smaller values',
    })
    tell(outcomeOf(error), () => process.kill(process.pid, 'SIGKILL'))
  }, LOOK_MS)
  look.unref()
}

function tell(outcome: QueryOutcome, then: () => void): void {
  process.send!(outcome, undefined, undefined, then)
}
