/** A query's answer as an Arrow IPC stream: one record batch per DuckDB chunk. */
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
  Int32,
  Int64,
  makeBuilder,
  makeData,
  RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  TimestampMicrosecond,
  Utf8,
  type Data,
  type DataType,
} from 'apache-arrow'
import { once } from 'node:events'
import type { Writable } from 'node:stream'

interface Column {
  readonly type: DataType
  make(values: readonly DuckDBValue[]): Data
}

/** Decimals, lists and what else has no plain counterpart come as text. */
export async function writeArrow(result: DuckDBResult, out: Writable): Promise<void> {
  const columns = result.columnTypes().map(columnFor)
  const schema = new Schema(result.columnNames().map((name, i) => new Field(name, columns[i]!.type, true)))
  const writer = new RecordBatchStreamWriter()
  const sent = (async () => {
    for await (const bytes of writer) if (!out.write(bytes)) await once(out, 'drain')
  })()
  // It is awaited below; a reader that has gone must not be an error that nobody caught.
  sent.catch(() => undefined)
  writer.reset(undefined, schema)
  for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    const values = chunk.getColumns()
    const children = columns.map((column, i) => column.make(values[i]!))
    writer.write(
      new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length: chunk.rowCount, children })),
    )
  }
  writer.finish()
  await sent
}

function columnFor(type: DuckDBType): Column {
  switch (type.typeId) {
    case DuckDBTypeId.BOOLEAN:
      return built(new Bool(), (value) => value)
    case DuckDBTypeId.TINYINT:
    case DuckDBTypeId.SMALLINT:
    case DuckDBTypeId.INTEGER:
      return packed(
        new Int32(),
        (length) => new Int32Array(length),
        (value) => value as number,
      )
    case DuckDBTypeId.BIGINT:
      return packed(
        new Int64(),
        (length) => new BigInt64Array(length),
        (value) => value as bigint,
      )
    case DuckDBTypeId.FLOAT:
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
      return packed(
        new TimestampMicrosecond(),
        (length) => new BigInt64Array(length),
        (value) => (value as DuckDBTimestampValue).micros,
      )
    case DuckDBTypeId.TIMESTAMP_TZ:
      return packed(
        new TimestampMicrosecond('UTC'),
        (length) => new BigInt64Array(length),
        (value) => (value as DuckDBTimestampTZValue).micros,
      )
    default:
      return built(new Utf8(), String)
  }
}

function built(type: DataType, convert: (value: DuckDBValue) => unknown): Column {
  return {
    type,
    make(values) {
      const builder = makeBuilder({ type, nullValues: [null] })
      for (const value of values) builder.append(value === null ? null : convert(value))
      return builder.finish().flush()
    },
  }
}

function packed<T extends number | bigint>(
  type: DataType,
  allocate: (length: number) => { [index: number]: T },
  convert: (value: DuckDBValue) => T,
): Column {
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
