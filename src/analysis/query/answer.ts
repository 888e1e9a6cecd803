/** Asks a reader, and writes its answer in the format that was wanted. */
import type { DuckDBResult } from '@duckdb/node-api'
import { createWriteStream } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import type { Writable } from 'node:stream'
import { FILE_MODE } from '../../core/durable.ts'
import type { ParquetOptions, QueryParameters, SnapshotReader } from '../../warehouse/reading/reader.ts'
import { AnswerMeter, tooManyBytes, tooManyRows } from './answer-meter.ts'
import type { AnswerLimits, QueryFormat } from './query-request.ts'
import { writeCsv, writeJson } from './text-output.ts'

export interface Question {
  readonly sql: string
  readonly parameters?: QueryParameters | undefined
  readonly format: QueryFormat
}

/** What an answer took, save for time. */
export interface AnswerSize {
  readonly rows: number
  readonly bytes: number
}

export type StreamFormat = Exclude<QueryFormat, 'parquet'>

const WRITERS: Readonly<Record<StreamFormat, (result: DuckDBResult, meter: AnswerMeter) => Promise<void>>> = {
  json: writeJson,
  csv: writeCsv,
  // Reading Arrow's code takes as long as a small query.
  arrow: async (result, meter) => (await import('./arrow-output.ts')).writeArrow(result, meter),
}

/**
 * Writes an answer while it comes. `out` is not ended.
 * @throws StokerError QUERY_ROWS or QUERY_BYTES in its middle: what was written by then is no answer
 */
export async function streamAnswer(
  result: DuckDBResult,
  format: StreamFormat,
  out: Writable,
  limits: AnswerLimits = { rows: Infinity, bytes: Infinity },
): Promise<AnswerSize> {
  const meter = new AnswerMeter(out, limits)
  await WRITERS[format](result, meter)
  return { rows: meter.rows, bytes: meter.bytes }
}

/**
 * Writes an answer to `file` in `folder`, for the owner alone. An answer that fails leaves no file.
 * @param folder the reader's `output`
 */
export async function fileAnswer(
  reader: SnapshotReader,
  question: Question,
  folder: string,
  file: string,
  limits: AnswerLimits,
): Promise<AnswerSize> {
  const path = join(folder, file)
  try {
    return question.format === 'parquet'
      ? await parquetAnswer(reader, question, folder, file, limits)
      : await streamToFile(reader, question, question.format, path, limits)
  } catch (error) {
    await rm(path, { force: true })
    throw reader.failure(error)
  }
}

async function streamToFile(
  reader: SnapshotReader,
  { sql, parameters }: Question,
  format: StreamFormat,
  path: string,
  limits: AnswerLimits,
): Promise<AnswerSize> {
  const result = await reader.query(sql, parameters)
  const out = createWriteStream(path, { mode: FILE_MODE, flags: 'wx' })
  const done = finished(out)
  // A disk that is full is told by the write that finds it so, or here.
  done.catch(() => undefined)
  try {
    const size = await streamAnswer(result, format, out, limits)
    out.end()
    await done
    return size
  } catch (error) {
    out.destroy()
    throw out.errored ?? error
  }
}

/** So often the growing file is looked at. */
const LOOK_MS = 100

/** DuckDB writes it itself: that it has grown too large is seen by looking. */
async function parquetAnswer(
  reader: SnapshotReader,
  { sql, parameters }: Question,
  folder: string,
  file: string,
  limits: AnswerLimits,
): Promise<AnswerSize> {
  const path = join(folder, file)
  let isTooLarge = false
  const look = setInterval(() => {
    void stat(`${path}.part`).then(
      ({ size }) => {
        if (size <= limits.bytes) return
        isTooLarge = true
        reader.interrupt()
      },
      () => undefined,
    )
  }, LOOK_MS)
  try {
    const options: ParquetOptions = { ...(parameters !== undefined && { parameters }) }
    const rows = await reader.writeParquet(sql, file, options)
    const { size } = await stat(path)
    if (rows > limits.rows) throw tooManyRows(limits.rows)
    if (size > limits.bytes) throw tooManyBytes(limits.bytes)
    return { rows, bytes: size }
  } catch (error) {
    throw isTooLarge ? tooManyBytes(limits.bytes) : error
  } finally {
    clearInterval(look)
  }
}
