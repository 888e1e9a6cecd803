import { tableFromIPC, type Table } from 'apache-arrow'
import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { setImmediate } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fileAnswer, streamAnswer, type StreamFormat } from '../../../src/analysis/query/answer.ts'
import { SnapshotReader } from '../../../src/warehouse/reading/reader.ts'
import { SnapshotFixture } from './snapshot-fixture.ts'

let fixture: SnapshotFixture
let reader: SnapshotReader
let folder: string
beforeAll(async () => {
  fixture = await SnapshotFixture.make()
  folder = await mkdtemp(join(tmpdir(), 'stoker-output-'))
  reader = await SnapshotReader.open(fixture.lake, 512 << 20, { output: folder })
})
afterAll(async () => {
  await reader.close()
  await fixture.close()
  await rm(folder, { recursive: true, force: true })
})

const LIMITS = { rows: Infinity, bytes: Infinity }

async function answer(sql: string, format: StreamFormat): Promise<Buffer> {
  const out = new PassThrough()
  const read = buffer(out)
  const size = await streamAnswer(await reader.query(sql), format, out)
  out.end()
  const bytes = await read
  expect(size.bytes).toBe(bytes.length)
  return bytes
}
const textOf = async (sql: string, format: StreamFormat) => (await answer(sql, format)).toString()
const arrowOf = async (sql: string): Promise<Table> => tableFromIPC(await answer(sql, 'arrow'))

const EMPTY = 'SELECT family, 1.5::DECIMAL(5,2) AS d, [1] AS l, {a: 1} AS s FROM patient_name WHERE false'
const TWICE = `SELECT 1 AS a, 2 AS a, 'x' AS "a_1", true AS "A"`
/** A value and a NULL of each type. */
const TYPES = `
  SELECT unnest([true, NULL]) AS "boolean", unnest([-1::TINYINT, NULL]) AS "tinyint", unnest([-300::SMALLINT, NULL]) AS "smallint",
    unnest([70000, NULL]) AS "integer", unnest([9007199254740993, NULL]) AS "bigint", unnest([255::UTINYINT, NULL]) AS "utinyint",
    unnest([65535::USMALLINT, NULL]) AS "usmallint", unnest([4294967295::UINTEGER, NULL]) AS "uinteger",
    unnest([18446744073709551615::UBIGINT, NULL]) AS "ubigint", unnest([-170141183460469231731687303715884105::HUGEINT, NULL]) AS "hugeint",
    unnest([1.5::FLOAT, NULL]) AS "float", unnest([0.1::DOUBLE, NULL]) AS "double",
    unnest([-12345.678::DECIMAL(20,3), NULL]) AS "decimal", unnest([DATE '1969-12-31', NULL]) AS "date",
    unnest([TIME '23:59:59.000001', NULL]) AS "time", unnest([TIMESTAMP '2026-01-01 10:00:00.5', NULL]) AS "timestamp",
    unnest([TIMESTAMPTZ '2026-01-01 10:00:00+02', NULL]) AS "timestamptz", unnest([TIMESTAMP_NS '2026-01-01 10:00:00.123456789', NULL]) AS "timestamp_ns",
    unnest(['ü"\n,', NULL]) AS "text", unnest(['\\x00\\xFF'::BLOB, NULL]) AS "blob", unnest([INTERVAL 1 MONTH, NULL]) AS "interval",
    unnest([[1, NULL, 3], NULL]) AS "list", unnest([[], ['x']]) AS "empty_list", unnest([{a: 1, b: {c: ['x']}}, NULL]) AS "struct",
    unnest([MAP {'k': 1, 'l': NULL}, NULL]) AS "map", unnest([[1, 2]::INTEGER[2], NULL]) AS "array", NULL AS "nothing"`

describe('JSON', () => {
  test('has a line for each row, and both of two columns of one name', async () => {
    expect(await textOf(`${TWICE} UNION ALL ${TWICE}`, 'json')).toBe(
      '[\n{"a":1,"a_1":2,"a_1_1":"x","A_2":true},\n{"a":1,"a_1":2,"a_1_1":"x","A_2":true}\n]\n',
    )
  })

  test('of nothing is an empty array', async () => {
    expect(await textOf(EMPTY, 'json')).toBe('[]\n')
  })

  test('loses no digit: what no number of JavaScript holds is text', async () => {
    const [row, nulls] = JSON.parse(await textOf(TYPES, 'json')) as [Record<string, unknown>, Record<string, unknown>]
    expect(row).toMatchObject({
      integer: 70000,
      bigint: '9007199254740993',
      hugeint: '-170141183460469231731687303715884105',
      decimal: '-12345.678',
      timestamptz: '2026-01-01T08:00:00Z',
      list: [1, null, 3],
      struct: { a: 1, b: { c: ['x'] } },
    })
    expect(Object.entries(nulls).filter(([name, value]) => value !== null && name !== 'empty_list')).toEqual([])
    expect(
      JSON.parse(
        await textOf(
          `SELECT 'nan'::DOUBLE AS n, count(*) AS c, "__proto__" FROM (SELECT 1 AS "__proto__") GROUP BY ALL`,
          'json',
        ),
      ),
    ).toEqual([
      Object.fromEntries([
        ['n', 'NaN'],
        ['c', 1],
        ['__proto__', 1],
      ]),
    ])
  })

  test('that broke off is no JSON', async () => {
    const out = new PassThrough()
    const read = buffer(out)
    const result = await reader.query('FROM range(5000)')
    await expect(streamAnswer(result, 'json', out, { rows: 4000, bytes: Infinity })).rejects.toMatchObject({
      code: 'QUERY_ROWS',
    })
    out.end()
    const text = (await read).toString()
    expect(() => JSON.parse(text) as unknown).toThrow(SyntaxError)
  })
})

describe('CSV', () => {
  test('quotes what needs it, ends lines in CRLF, and has NULL as an empty field', async () => {
    expect(await textOf(`SELECT 'a,b' AS "x,y", 'say "hi"' AS q, NULL AS n, 'two\nlines' AS l, '' AS e`, 'csv')).toBe(
      '"x,y",q,n,l,e\r\n"a,b","say ""hi""",,"two\nlines",\r\n',
    )
  })

  test('of nothing is its head', async () => {
    expect(await textOf(EMPTY, 'csv')).toBe('family,d,l,s\r\n')
    expect(await textOf(TWICE, 'csv')).toBe('a,a_1,a_1_1,A_2\r\n1,2,x,true\r\n')
  })
})

test.each(['json', 'csv', 'arrow'] as const)(
  '%s refuses fields without a name, of which it would lose all but one',
  async (format) => {
    await expect(answer('SELECT [row(1, 2)] AS r', format)).rejects.toMatchObject({ code: 'QUERY_UNNAMED' })
  },
)

describe('Arrow', () => {
  test('keeps the type of what has one there', async () => {
    const { schema } = await arrowOf(TYPES)
    expect(Object.fromEntries(schema.fields.map((field) => [field.name, String(field.type)]))).toEqual({
      boolean: 'Bool',
      tinyint: 'Int8',
      smallint: 'Int16',
      integer: 'Int32',
      bigint: 'Int64',
      utinyint: 'Uint8',
      usmallint: 'Uint16',
      uinteger: 'Uint32',
      ubigint: 'Uint64',
      hugeint: 'Decimal[38e0]',
      float: 'Float32',
      double: 'Float64',
      decimal: 'Decimal[20e+3]',
      date: 'Date32<DAY>',
      time: 'Time64<MICROSECOND>',
      timestamp: 'Timestamp<MICROSECOND>',
      timestamptz: 'Timestamp<MICROSECOND, UTC>',
      timestamp_ns: 'Timestamp<NANOSECOND>',
      text: 'Utf8',
      blob: 'Binary',
      interval: 'Utf8',
      list: 'List<Int32>',
      empty_list: 'List<Utf8>',
      struct: 'Struct<{a:Int32, b:Struct<{c:List<Utf8>}>}>',
      map: 'Map<{key:Utf8, value:Int32}>',
      array: 'FixedSizeList[2]<Int32>',
      nothing: 'Int32',
    })
  })

  test('of nothing has a schema and no row; two columns of one name have two', async () => {
    const empty = await arrowOf(EMPTY)
    expect([empty.numRows, empty.schema.names]).toEqual([0, ['family', 'd', 'l', 's']])
    expect((await arrowOf(TWICE)).schema.names).toEqual(['a', 'a_1', 'a_1_1', 'A_2'])
  })

  test('of many chunks has every row, with its NULLs where they were', async () => {
    const sql = `SELECT range AS n, CASE WHEN range % 3 = 0 THEN NULL ELSE 'v' || range END AS t,
      CASE WHEN range % 5 = 0 THEN NULL ELSE [range, NULL] END AS l FROM range(10000)`
    const table = await arrowOf(sql)
    expect(table.numRows).toBe(10_000)
    const t = table.getChild('t')!
    const l = table.getChild('l')!
    expect([t.nullCount, l.nullCount]).toEqual([3334, 2000])
    expect([t.get(0), t.get(4100), l.get(9995)]).toEqual([null, 'v4100', null])
    expect([...(l.get(9999) as Iterable<unknown>)]).toEqual([9999n, null])
  })

  test('is written no faster than it is read', async () => {
    const pieces: (() => void)[] = []
    let taken = 0
    const slow = new Writable({
      highWaterMark: 1,
      write(chunk: Buffer, _encoding, done) {
        taken += chunk.length
        pieces.push(done)
      },
    })
    const written = streamAnswer(await reader.query(`SELECT repeat('x', 1000) AS x FROM range(100000)`), 'arrow', slow)
    for (let turn = 0; turn < 200; turn += 1) await setImmediate()
    // Of 100 MB, not more than a batch of 2,048 rows waits.
    expect(taken).toBeLessThan(5_000_000)
    let isDone = false
    void written.then(() => (isDone = true))
    while (!isDone) {
      pieces.shift()?.()
      await setImmediate()
    }
    expect((await written).rows).toBe(100_000)
    expect(taken).toBeGreaterThan(100_000_000)
  })

  test('is read by another program with the same values', async ({ skip }) => {
    const python = spawnSync('python3', ['-c', 'import pyarrow'])
    if (python.status !== 0) skip('python3 has no pyarrow here (pip install pyarrow)')
    const path = join(folder, 'types.arrows')
    await fileAnswer(reader, { sql: TYPES, format: 'arrow' }, folder, 'types.arrows', LIMITS)
    const script = `
import sys, json, pyarrow as pa
table = pa.ipc.open_stream(sys.argv[1]).read_all()
table.validate(full=True)
print(json.dumps([{field.name: str(field.type) for field in table.schema}, [{k: str(v) for k, v in row.items()} for row in table.to_pylist()]]))`
    const { stdout, stderr } = spawnSync('python3', ['-c', script, path], { encoding: 'utf8' })
    expect(stderr).toBe('')
    const [types, [row, nulls]] = JSON.parse(stdout) as [Record<string, string>, Record<string, string>[]]
    expect(types).toMatchObject({
      hugeint: 'decimal128(38, 0)',
      decimal: 'decimal128(20, 3)',
      ubigint: 'uint64',
      time: 'time64[us]',
      timestamptz: 'timestamp[us, tz=UTC]',
      struct: 'struct<a: int32, b: struct<c: list<item: string>>>',
      array: 'fixed_size_list<item: int32>[2]',
    })
    expect(row).toMatchObject({
      boolean: 'True',
      bigint: '9007199254740993',
      ubigint: '18446744073709551615',
      hugeint: '-170141183460469231731687303715884105',
      decimal: '-12345.678',
      date: '1969-12-31',
      time: '23:59:59.000001',
      timestamptz: '2026-01-01 08:00:00+00:00',
      text: 'ü"\n,',
      blob: "b'\\x00\\xff'",
      list: '[1, None, 3]',
      empty_list: '[]',
      struct: "{'a': 1, 'b': {'c': ['x']}}",
      map: "[('k', 1), ('l', None)]",
      array: '[1, 2]',
    })
    expect(Object.entries(nulls!).filter(([, value]) => value !== 'None')).toEqual([['empty_list', "['x']"]])
  })
})

describe('Parquet', () => {
  const read = (sql: string) => fixture.warehouse.database.using((session) => session.rows(sql))

  test('is for its owner alone, and has every type, NULL and name', async () => {
    expect(await fileAnswer(reader, { sql: TYPES, format: 'parquet' }, folder, 'types.parquet', LIMITS)).toMatchObject({
      rows: 2,
    })
    const path = join(folder, 'types.parquet')
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(await read(`SELECT count(*) AS n FROM (FROM '${path}' EXCEPT (${TYPES}))`)).toEqual([{ n: 0 }])
    await fileAnswer(reader, { sql: TWICE, format: 'parquet' }, folder, 'twice.parquet', LIMITS)
    expect(await read(`FROM '${join(folder, 'twice.parquet')}'`)).toEqual([{ a: 1, a_1: 2, a_1_1: 'x', A_2: true }])
    await fileAnswer(reader, { sql: EMPTY, format: 'parquet' }, folder, 'empty.parquet', LIMITS)
    expect(await read(`FROM '${join(folder, 'empty.parquet')}'`)).toEqual([])
  })

  test('takes parameters, comments, and what is shown', async () => {
    const sql = 'SELECT family FROM patient_name WHERE family = $name -- of one'
    const question = { sql, parameters: { name: 'B' }, format: 'parquet' as const }
    expect(await fileAnswer(reader, question, folder, 'one.parquet', LIMITS)).toMatchObject({ rows: 1 })
    expect(
      await fileAnswer(reader, { sql: 'SHOW TABLES', format: 'parquet' }, folder, 'shown.parquet', LIMITS),
    ).toMatchObject({ rows: 1 })
    await expect(
      fileAnswer(reader, { sql: 'EXPLAIN SELECT 1', format: 'parquet' }, folder, 'plan.parquet', LIMITS),
    ).rejects.toMatchObject({ code: 'QUERY_REFUSED' })
  })

  test('that fails leaves no file, and tells nothing of where it would have been', async () => {
    const question = { sql: `SELECT family::INTEGER FROM patient_name`, format: 'parquet' as const }
    const error = (await fileAnswer(reader, question, folder, 'bad.parquet', LIMITS).catch(
      (reason: unknown) => reason,
    )) as Error
    expect(error).toMatchObject({ code: 'QUERY_FAILED' })
    expect(error.message).not.toContain(folder)
    await expect(readFile(join(folder, 'bad.parquet'))).rejects.toThrow('ENOENT')
    await expect(readFile(join(folder, 'bad.parquet.part'))).rejects.toThrow('ENOENT')
  })

  test('of an asker can not be named by the next query', async () => {
    await fileAnswer(reader, { sql: 'SELECT 1', format: 'parquet' }, folder, 'mine.parquet', LIMITS)
    for (const sql of [
      `FROM '${join(folder, 'mine.parquet')}'`,
      `FROM read_parquet('${join(folder, 'mine.parquet')}')`,
    ])
      await expect(reader.query(sql)).rejects.toMatchObject({ code: 'QUERY_REFUSED' })
    await expect(reader.writeParquet('SELECT 1', '../elsewhere.parquet')).rejects.toMatchObject({
      code: 'QUERY_OUTPUT',
    })
  })
})
