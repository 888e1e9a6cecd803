/** A column of DuckDB's as one of Arrow's: its type, and its values laid out as Arrow wants them. */
import {
  DuckDBArrayType,
  DuckDBDecimalType,
  DuckDBListType,
  DuckDBMapType,
  DuckDBStructType,
  DuckDBTypeId,
  type DuckDBArrayValue,
  type DuckDBBlobValue,
  type DuckDBDateValue,
  type DuckDBDecimalValue,
  type DuckDBListValue,
  type DuckDBMapValue,
  type DuckDBStructValue,
  type DuckDBTimeNSValue,
  type DuckDBTimestampMillisecondsValue,
  type DuckDBTimestampNanosecondsValue,
  type DuckDBTimestampSecondsValue,
  type DuckDBTimestampValue,
  type DuckDBTimeValue,
  type DuckDBType,
  type DuckDBValue,
} from '@duckdb/node-api'
import * as arrow from 'apache-arrow'

export interface ArrowColumn {
  readonly type: arrow.DataType
  make(values: readonly DuckDBValue[]): arrow.Data
}

/**
 * Numbers, instants, lists and structs keep their type. HUGEINT, which every sum() of whole numbers is, becomes DECIMAL(38),
 * as DuckDB itself has it. What Arrow, or some reader of it, has no plain counterpart for is text: INTERVAL, UUID, ENUM,
 * UHUGEINT, BIT, TIMETZ, UNION, VARIANT.
 */
export function arrowColumn(type: DuckDBType): ArrowColumn {
  if (type instanceof DuckDBListType) return list(type)
  if (type instanceof DuckDBArrayType) return array(type)
  if (type instanceof DuckDBStructType) return struct(type)
  if (type instanceof DuckDBMapType) return map(type)
  if (type instanceof DuckDBDecimalType) {
    return wide(new arrow.Decimal(type.scale, type.width, 128), (value) => (value as DuckDBDecimalValue).value)
  }
  return PLAIN[type.typeId]?.() ?? text()
}

/** Of offsets, which are whole numbers of 32 bits. */
const OFFSET_MAX = 2 ** 31 - 1

class TooLong extends RangeError {}

/** Values that have no place in one batch together. */
export function isTooLong(error: unknown): boolean {
  return error instanceof TooLong
}

const PLAIN: Readonly<Partial<Record<DuckDBTypeId, () => ArrowColumn>>> = {
  [DuckDBTypeId.SQLNULL]: () => ({
    type: new arrow.Null(),
    make: (values) => arrow.makeData({ type: new arrow.Null(), length: values.length }),
  }),
  [DuckDBTypeId.BOOLEAN]: boolean,
  [DuckDBTypeId.TINYINT]: () => numbers(new arrow.Int8(), Int8Array),
  [DuckDBTypeId.SMALLINT]: () => numbers(new arrow.Int16(), Int16Array),
  [DuckDBTypeId.INTEGER]: () => numbers(new arrow.Int32(), Int32Array),
  [DuckDBTypeId.BIGINT]: () => bigs(new arrow.Int64(), (value) => value as bigint),
  [DuckDBTypeId.UTINYINT]: () => numbers(new arrow.Uint8(), Uint8Array),
  [DuckDBTypeId.USMALLINT]: () => numbers(new arrow.Uint16(), Uint16Array),
  [DuckDBTypeId.UINTEGER]: () => numbers(new arrow.Uint32(), Uint32Array),
  [DuckDBTypeId.UBIGINT]: () =>
    packed(
      new arrow.Uint64(),
      (length) => new BigUint64Array(length),
      (v) => v as bigint,
    ),
  [DuckDBTypeId.HUGEINT]: () => wide(new arrow.Decimal(0, 38, 128), (value) => value as bigint),
  [DuckDBTypeId.FLOAT]: () => numbers(new arrow.Float32(), Float32Array),
  [DuckDBTypeId.DOUBLE]: () => numbers(new arrow.Float64(), Float64Array),
  [DuckDBTypeId.DATE]: () => numbers(new arrow.DateDay(), Int32Array, (value) => (value as DuckDBDateValue).days),
  [DuckDBTypeId.TIME]: () => bigs(new arrow.TimeMicrosecond(), (value) => (value as DuckDBTimeValue).micros),
  [DuckDBTypeId.TIME_NS]: () => bigs(new arrow.TimeNanosecond(), (value) => (value as DuckDBTimeNSValue).nanos),
  [DuckDBTypeId.TIMESTAMP_S]: () =>
    bigs(new arrow.TimestampSecond(), (value) => (value as DuckDBTimestampSecondsValue).seconds),
  [DuckDBTypeId.TIMESTAMP_MS]: () =>
    bigs(new arrow.TimestampMillisecond(), (value) => (value as DuckDBTimestampMillisecondsValue).millis),
  [DuckDBTypeId.TIMESTAMP]: () =>
    bigs(new arrow.TimestampMicrosecond(), (value) => (value as DuckDBTimestampValue).micros),
  [DuckDBTypeId.TIMESTAMP_NS]: () =>
    bigs(new arrow.TimestampNanosecond(), (value) => (value as DuckDBTimestampNanosecondsValue).nanos),
  [DuckDBTypeId.TIMESTAMP_TZ]: () =>
    bigs(new arrow.TimestampMicrosecond('UTC'), (value) => (value as DuckDBTimestampValue).micros),
  [DuckDBTypeId.BLOB]: () => bytes(new arrow.Binary(), (value) => (value as DuckDBBlobValue).bytes),
}

function text(): ArrowColumn {
  return bytes(new arrow.Utf8(), (value) => Buffer.from(String(value)))
}

function numbers(
  type: arrow.DataType,
  Kind: new (length: number) => { [index: number]: number },
  convert: (value: DuckDBValue) => number = (value) => value as number,
): ArrowColumn {
  return packed(type, (length) => new Kind(length), convert)
}

function bigs(type: arrow.DataType, convert: (value: DuckDBValue) => bigint): ArrowColumn {
  return packed(type, (length) => new BigInt64Array(length), convert)
}

function packed<T>(
  type: arrow.DataType,
  allocate: (length: number) => { [index: number]: T },
  convert: (value: DuckDBValue) => T,
): ArrowColumn {
  return {
    type,
    make(values) {
      const data = allocate(values.length)
      const validity = validityOf(values, (value, i) => (data[i] = convert(value)))
      return arrow.makeData({ type, length: values.length, ...validity, data } as never)
    },
  }
}

/** Whole numbers of 128 bits, the low half first. */
function wide(type: arrow.DataType, convert: (value: DuckDBValue) => bigint): ArrowColumn {
  return {
    type,
    make(values) {
      const halves = new BigInt64Array(values.length * 2)
      const validity = validityOf(values, (value, i) => {
        const number = convert(value)
        halves[i * 2] = BigInt.asIntN(64, number)
        halves[i * 2 + 1] = number >> 64n
      })
      return arrow.makeData({ type, length: values.length, ...validity, data: new Uint32Array(halves.buffer) } as never)
    },
  }
}

function boolean(): ArrowColumn {
  const type = new arrow.Bool()
  return {
    type,
    make(values) {
      const data = new Uint8Array(Math.ceil(values.length / 8))
      const validity = validityOf(values, (value, i) => {
        if (value === true) data[i >> 3]! |= 1 << (i & 7)
      })
      return arrow.makeData({ type, length: values.length, ...validity, data })
    },
  }
}

function bytes(type: arrow.Utf8 | arrow.Binary, convert: (value: DuckDBValue) => Uint8Array): ArrowColumn {
  return {
    type,
    make(values) {
      const pieces: Uint8Array[] = []
      const { offsets, ...validity } = offsetsOf(values, (value) => {
        const piece = convert(value)
        pieces.push(piece)
        return piece.byteLength
      })
      const data = Buffer.concat(pieces)
      return arrow.makeData({ type, length: values.length, ...validity, valueOffsets: offsets, data } as never)
    },
  }
}

function list(type: DuckDBListType): ArrowColumn {
  const item = arrowColumn(type.valueType)
  const listed = new arrow.List(new arrow.Field('item', item.type, true))
  return {
    type: listed,
    make(values) {
      const items: DuckDBValue[] = []
      const { offsets, ...validity } = offsetsOf(values, (value) => {
        const own = (value as DuckDBListValue).items
        for (const each of own) items.push(each)
        return own.length
      })
      const child = item.make(items)
      return arrow.makeData({ type: listed, length: values.length, ...validity, valueOffsets: offsets, child })
    },
  }
}

function array(type: DuckDBArrayType): ArrowColumn {
  const item = arrowColumn(type.valueType)
  const listed = new arrow.FixedSizeList(type.length, new arrow.Field('item', item.type, true))
  return {
    type: listed,
    make(values) {
      const items = new Array<DuckDBValue>(values.length * type.length).fill(null)
      const validity = validityOf(values, (value, i) =>
        (value as DuckDBArrayValue).items.forEach((each, j) => (items[i * type.length + j] = each)),
      )
      return arrow.makeData({ type: listed, length: values.length, ...validity, child: item.make(items) })
    },
  }
}

function struct(type: DuckDBStructType): ArrowColumn {
  const fields = type.entryTypes.map(arrowColumn)
  const named = type.entryNames.map((name, i) => new arrow.Field(name, fields[i]!.type, true))
  const structured = new arrow.Struct(named)
  return {
    type: structured,
    make(values) {
      const validity = validityOf(values)
      const children = fields.map((field, i) =>
        field.make(values.map((value) => (value as DuckDBStructValue | null)?.entries[type.entryNames[i]!] ?? null)),
      )
      return arrow.makeData({ type: structured, length: values.length, ...validity, children })
    },
  }
}

function map(type: DuckDBMapType): ArrowColumn {
  const key = arrowColumn(type.keyType)
  const value = arrowColumn(type.valueType)
  const entry = new arrow.Struct([
    new arrow.Field('key', key.type, false),
    new arrow.Field('value', value.type, true),
  ] as never[])
  const mapped = new arrow.Map_(new arrow.Field('entries', entry, false) as never)
  return {
    type: mapped,
    make(values) {
      const entries: DuckDBMapValue['entries'] = []
      const { offsets, ...validity } = offsetsOf(values, (mapping) => {
        const own = (mapping as DuckDBMapValue).entries
        for (const each of own) entries.push(each)
        return own.length
      })
      const children = [key.make(entries.map((each) => each.key)), value.make(entries.map((each) => each.value))]
      const child = arrow.makeData({ type: entry, length: entries.length, nullCount: 0, children })
      return arrow.makeData({ type: mapped, length: values.length, ...validity, valueOffsets: offsets, child } as never)
    },
  }
}

interface Validity {
  readonly nullCount: number
  readonly nullBitmap: Uint8Array
}

function validityOf(
  values: readonly DuckDBValue[],
  take: (value: DuckDBValue, index: number) => unknown = () => undefined,
): Validity {
  const nullBitmap = new Uint8Array(Math.ceil(values.length / 8))
  let nullCount = 0
  values.forEach((value, i) => {
    if (value === null) nullCount += 1
    else {
      take(value, i)
      nullBitmap[i >> 3]! |= 1 << (i & 7)
    }
  })
  return { nullCount, nullBitmap }
}

/** @param take its answer is how many items the value has */
function offsetsOf(
  values: readonly DuckDBValue[],
  take: (value: DuckDBValue) => number,
): Validity & { readonly offsets: Int32Array } {
  const offsets = new Int32Array(values.length + 1)
  let end = 0
  const validity = validityOf(values, (value, i) => {
    // Of NULLs before it.
    offsets[i] = end
    end += take(value)
    if (end > OFFSET_MAX) throw new TooLong('the values of one batch have no place together')
    offsets[i + 1] = end
  })
  for (let i = 1; i < offsets.length; i += 1) offsets[i] = Math.max(offsets[i]!, offsets[i - 1]!)
  return { ...validity, offsets }
}
