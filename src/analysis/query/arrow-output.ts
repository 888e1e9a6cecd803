/** An answer as an Arrow IPC stream: one record batch for each chunk of DuckDB's. */
import type { DuckDBResult, DuckDBValue } from '@duckdb/node-api'
import { Field, makeData, RecordBatch, RecordBatchStreamWriter, Schema, Struct } from 'apache-arrow'
import { setImmediate } from 'node:timers/promises'
import type { AnswerMeter } from './answer-meter.ts'
import { arrowColumn, isTooLong, type ArrowColumn } from './arrow-column.ts'
import { columnNames, mustBeNamed } from './plain-value.ts'

export async function writeArrow(result: DuckDBResult, meter: AnswerMeter): Promise<void> {
  mustBeNamed(result)
  const columns = result.columnTypes().map(arrowColumn)
  const names = columnNames(result)
  const schema = new Schema(names.map((name, i) => new Field(name, columns[i]!.type, true)))
  const writer = new RecordBatchStreamWriter()
  let writing: Promise<void> | undefined
  const sent = (async () => {
    for await (const bytes of writer as AsyncIterable<Uint8Array>) await (writing = meter.write(bytes))
  })()
  // It is awaited below; a reader that has gone must not be an error that nobody caught.
  sent.catch(() => undefined)
  writer.reset(undefined, schema)
  for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    meter.countRows(chunk.rowCount)
    for (const batch of batches(schema, columns, chunk.getColumns(), chunk.rowCount)) writer.write(batch)
    // Arrow's writer takes all it is given: a slow reader must slow us down.
    await setImmediate()
    await writing
  }
  writer.finish()
  await sent
}

/** Texts of one batch must not reach 2 GiB together: then it is halved. */
function* batches(
  schema: Schema,
  columns: readonly ArrowColumn[],
  values: readonly (readonly DuckDBValue[])[],
  length: number,
): Generator<RecordBatch> {
  try {
    const children = columns.map((column, i) => column.make(values[i]!))
    yield new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length, nullCount: 0, children }))
  } catch (error) {
    if (!isTooLong(error) || length === 1) throw error
    const half = length >> 1
    const slices = (from: number, to: number) => values.map((column) => column.slice(from, to))
    yield* batches(schema, columns, slices(0, half), half)
    yield* batches(schema, columns, slices(half, length), length - half)
  }
}
