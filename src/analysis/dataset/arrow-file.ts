/** Rows of a data set as an Arrow IPC file (Feather V2), in batches, so that none but the current one is in memory. */
import type { DuckDBResult, DuckDBValue } from '@duckdb/node-api'
import { Field, makeData, RecordBatch, RecordBatchFileWriter, Schema, Struct } from 'apache-arrow'
import { open } from 'node:fs/promises'
import { FILE_MODE } from '../../core/durable.ts'
import { arrowColumn } from '../query/arrow-column.ts'

/** A batch of fifty columns is some 25 MB. */
const BATCH_ROWS = 65_536

/** Writes `path`, which must not exist. Batches have the same rows every time, whatever pieces DuckDB gives. */
export async function writeArrowFile(result: DuckDBResult, path: string): Promise<void> {
  const columns = result.columnTypes().map(arrowColumn)
  const schema = new Schema(result.columnNames().map((name, i) => new Field(name, columns[i]!.type, true)))
  const file = await open(path, 'wx', FILE_MODE)
  try {
    const writer = new RecordBatchFileWriter()
    const written = (async () => {
      for await (const bytes of writer) await file.write(bytes)
    })()
    // It is awaited below.
    written.catch(() => undefined)
    writer.reset(undefined, schema)
    for await (const batch of batches(result, columns.length)) {
      const children = columns.map((column, i) => column.make(batch.columns[i]!))
      writer.write(new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length: batch.rows, children })))
    }
    writer.finish()
    await written
  } finally {
    await file.close()
  }
}

interface Batch {
  readonly rows: number
  readonly columns: readonly DuckDBValue[][]
}

async function* batches(result: DuckDBResult, width: number): AsyncGenerator<Batch> {
  let columns: DuckDBValue[][] = Array.from({ length: width }, () => [])
  let rows = 0
  for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    const values = chunk.getColumns()
    for (let start = 0; start < chunk.rowCount;) {
      const end = Math.min(chunk.rowCount, start + BATCH_ROWS - rows)
      columns.forEach((column, i) => {
        for (let row = start; row < end; row += 1) column.push(values[i]![row]!)
      })
      rows += end - start
      start = end
      if (rows < BATCH_ROWS) continue
      yield { rows, columns }
      columns = columns.map(() => [])
      rows = 0
    }
  }
  if (rows > 0) yield { rows, columns }
}
