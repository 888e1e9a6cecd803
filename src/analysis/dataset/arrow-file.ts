/** Rows of a data set as an Arrow IPC file (Feather V2), in batches, so that none but the current one is in memory. */
import { DuckDBTypeId } from '@duckdb/node-api'
import type {
  DuckDBDateValue,
  DuckDBResult,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBType,
  DuckDBValue,
} from '@duckdb/node-api'
import {
  Bool,
  DateDay,
  Field,
  Float64,
  Int64,
  makeBuilder,
  makeData,
  RecordBatch,
  RecordBatchFileWriter,
  Schema,
  Struct,
  TimestampMicrosecond,
  Utf8,
  type Data,
  type DataType,
} from 'apache-arrow'
import { open } from 'node:fs/promises'
import { FILE_MODE } from '../../core/durable.ts'

/** A batch of fifty columns is some 25 MB. */
const BATCH_ROWS = 65_536

interface ArrowColumn {
  readonly type: DataType
  make(values: readonly DuckDBValue[]): Data
}

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

/** Of the types that a data set has: see columns.ts. */
function arrowColumn(type: DuckDBType): ArrowColumn {
  switch (type.typeId) {
    case DuckDBTypeId.BOOLEAN:
      return built(new Bool())
    case DuckDBTypeId.BIGINT:
      return wide(new Int64(), (value) => value as bigint)
    case DuckDBTypeId.DOUBLE:
      return packed(
        new Float64(),
        (length) => new Float64Array(length),
        (value) => value as number,
      )
    case DuckDBTypeId.DATE:
      return packed(
        new DateDay(),
        (length) => new Int32Array(length),
        (value) => (value as DuckDBDateValue).days,
      )
    case DuckDBTypeId.TIMESTAMP:
      return wide(new TimestampMicrosecond(), (value) => (value as DuckDBTimestampValue).micros)
    case DuckDBTypeId.TIMESTAMP_TZ:
      return wide(new TimestampMicrosecond('UTC'), (value) => (value as DuckDBTimestampTZValue).micros)
    default:
      return built(new Utf8())
  }
}

function wide(type: DataType, convert: (value: DuckDBValue) => bigint): ArrowColumn {
  return packed(type, (length) => new BigInt64Array(length), convert)
}

function built(type: DataType): ArrowColumn {
  return {
    type,
    make(values) {
      const builder = makeBuilder({ type, nullValues: [null] })
      for (const value of values) builder.append(value)
      return builder.finish().flush()
    },
  }
}

function packed<T extends number | bigint>(
  type: DataType,
  allocate: (length: number) => { [index: number]: T },
  convert: (value: DuckDBValue) => T,
): ArrowColumn {
  return {
    type,
    make(values) {
      const data = allocate(values.length)
      const nullBitmap = new Uint8Array(Math.ceil(values.length / 8))
      let nullCount = 0
      values.forEach((value, i) => {
        if (value === null) nullCount += 1
        else {
          data[i] = convert(value)
          nullBitmap[i >> 3]! |= 1 << (i & 7)
        }
      })
      return makeData({ type, length: values.length, nullCount, nullBitmap, data } as never)
    },
  }
}
