/** A query asked on the command line: run in this process, its answer written to standard output or to a file. */
import { createReadStream, rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileAnswer } from '../analysis/query/answer.ts'
import type { QueryFormat } from '../analysis/query/query-request.ts'
import { underLifecycle } from '../app/lifecycle.ts'
import { settle } from '../core/durable.ts'
import { StokerError } from '../core/errors.ts'
import { makeQuerySpill } from '../store/spill.ts'
import type { Lake } from '../warehouse/lake.ts'
import { SnapshotReader, type QueryParameters } from '../warehouse/reading/reader.ts'
import { EXIT } from './exit-code.ts'
import { plural } from '../core/figures.ts'
import { writeResult } from './query-output.ts'

interface QueryRun {
  readonly sql: string
  readonly parameters: QueryParameters
  readonly snapshot: number | undefined
  readonly living: boolean
  readonly format: QueryFormat | 'table'
  /** Absolute; undefined: standard output. Never for a table. */
  readonly output: string | undefined
  readonly seconds: number | undefined
  readonly rows: number | undefined
}

interface Place {
  readonly lake: Lake
  readonly memoryLimitBytes: number
}

export async function runQuery(place: Place, run: QueryRun): Promise<number> {
  return underLifecycle(
    () => undefined,
    async (stopped) => {
      const folder = await folderFor(place.lake, run)
      const timer = new AbortController()
      const watch = watchEnd(stopped, timer, run.seconds, folder)
      try {
        await answer(place, run, folder, AbortSignal.any([stopped, timer.signal]))
        return EXIT.done
      } finally {
        watch.dispose()
        if (folder !== undefined) await rm(folder, { recursive: true, force: true })
      }
    },
  )
}

async function answer(place: Place, run: QueryRun, folder: string | undefined, signal: AbortSignal): Promise<void> {
  // The snapshot's folder is gone into: no plan and no error tells where it lies. All other paths are whole by now.
  const opening = {
    snapshot: run.snapshot,
    living: run.living,
    signal,
    output: folder,
    enter: (to: string) => process.chdir(to),
  }
  const reader = await SnapshotReader.open(place.lake, place.memoryLimitBytes, opening)
  const limits = { rows: run.rows ?? Infinity, bytes: Infinity }
  const { format } = run
  try {
    if (folder === undefined || format === 'table') {
      const result = await reader.query(run.sql, run.parameters)
      // Parquet always has a folder.
      const written = writeResult(result, format as Exclude<typeof format, 'parquet'>, process.stdout, limits)
      await written.catch((error: unknown) => {
        throw reader.failure(error)
      })
    } else {
      const { rows } = await fileAnswer(reader, { ...run, format }, folder, 'answer', limits)
      const path = join(folder, 'answer')
      if (run.output === undefined) await pipeline(createReadStream(path), process.stdout, { end: false })
      else {
        await settle(path, run.output)
        process.stderr.write(`${plural(rows, 'row')}\n`)
      }
    }
  } finally {
    await reader.close()
  }
}

/** Beside the file it becomes, so that it is one rename; for standard output in the lake, where what is left is found. */
async function folderFor(lake: Lake, { format, output }: QueryRun): Promise<string | undefined> {
  if (output === undefined) {
    if (format !== 'parquet') return undefined
    return (await makeQuerySpill(lake.root)) ?? mkdtemp(join(tmpdir(), 'stoker-query-'))
  }
  return mkdtemp(`${output}.part-`).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
    throw new StokerError('USAGE_QUERY', `there is no folder ${dirname(output)}`, { hint: 'make it first' })
  })
}

/** In the middle of one huge value DuckDB hears of nothing for minutes, and no exit of Node's gets past it. */
const GRACE_MS = 3000

function watchEnd(
  stopped: AbortSignal,
  timer: AbortController,
  seconds: number | undefined,
  folder: string | undefined,
): { dispose(): void } {
  const kill = () => {
    if (timer.signal.aborted) process.stderr.write(`stoker: ${(timer.signal.reason as Error).message}\n`)
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
    process.kill(process.pid, 'SIGKILL')
  }
  let grace: NodeJS.Timeout | undefined
  const begin = () => (grace ??= setTimeout(kill, GRACE_MS))
  stopped.addEventListener('abort', begin, { once: true })
  timer.signal.addEventListener('abort', begin, { once: true })
  const end = seconds === undefined ? undefined : setTimeout(() => timer.abort(timeout(seconds)), seconds * 1000)
  return {
    dispose() {
      clearTimeout(end)
      clearTimeout(grace)
      stopped.removeEventListener('abort', begin)
      timer.signal.removeEventListener('abort', begin)
    },
  }
}

function timeout(seconds: number): StokerError {
  const message = `the query took longer than ${plural(seconds, 'second')} and was stopped`
  return new StokerError('QUERY_TIMEOUT', message, {
    hint: 'ask for fewer rows, join by keys, or give it more time: --timeout',
  })
}
