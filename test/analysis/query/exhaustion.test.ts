/** What a hostile query may use up: time, memory, disk. Each is put an end to, and nothing is left of it. */
import { readdir } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { QueryLimits } from '../../../src/analysis/query/query-desk.ts'
import type { QueryFormat } from '../../../src/analysis/query/query-request.ts'
import { openQueryDesk } from '../../../src/app/query-desk.ts'
import { spillsIn } from '../../../src/store/spill.ts'
import { leasedSnapshots } from '../../../src/warehouse/snapshot/leases.ts'
import { SnapshotFixture } from './snapshot-fixture.ts'

let fixture: SnapshotFixture
beforeAll(async () => {
  fixture = await SnapshotFixture.make()
})
afterAll(() => fixture.close())

const MEMORY = 256 << 20

async function failure(sql: string, limits: Partial<QueryLimits>, format: QueryFormat = 'csv'): Promise<string> {
  const desk = openQueryDesk(fixture.lake, { seconds: 0.2, memoryBytes: MEMORY, ...limits })
  const code = await desk.answer({ sql, format }).then(
    () => 'answered',
    (error: unknown) => (error as { code: string }).code,
  )
  expect(desk.load).toEqual({ running: 0, waiting: 0 })
  expect((await readdir(spillsIn(fixture.lake.root))).filter((name) => name.startsWith('query-'))).toEqual([])
  expect(await leasedSnapshots(fixture.lake, new Date())).toEqual(new Set())
  return code
}

describe('a query without an end is stopped in time', () => {
  test.each([
    ['a range', 'SELECT count(*) FROM range(1000000000000)'],
    ['a cross join', 'SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range * b.range = -1'],
    ['a recursive CTE', 'WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t'],
    [
      'CTEs that double',
      `WITH t0 AS (SELECT 1 AS a), ${Array.from({ length: 40 }, (_, i) => `t${i + 1} AS (FROM t${i} UNION ALL FROM t${i})`).join(',')}
       SELECT count(*) FROM t40`,
    ],
    // DuckDB hears of no interrupt in the middle of one value.
    ['a distance of long texts', `SELECT levenshtein(repeat('a', 300000), repeat('b', 300000))`],
    ['a fold of a long list', 'SELECT list_reduce(range(30000000), lambda x, y: x + y)'],
    [
      'lambdas of lambdas',
      'SELECT list_transform(range(20000), lambda a: list_sum(list_transform(range(20000), lambda b: a * b)))',
    ],
  ])('%s', async (_name, sql) => {
    expect(await failure(sql, {})).toMatch(/^QUERY_(TIMEOUT|MEMORY)$/)
  })

  test('while it writes Parquet, too', async () => {
    expect(await failure('SELECT count(*) FROM range(1000000000000)', {}, 'parquet')).toBe('QUERY_TIMEOUT')
  })
})

describe('a query that wants too much memory fails alone', () => {
  test.each([
    ['a text of gigabytes', `SELECT length(repeat('a', 4000000000))`],
    ['a string of bits', `SELECT bitstring('1', 2000000000)`],
    ['a list of all', 'SELECT len(list(range)) FROM range(1000000000)'],
    ['a text split', `SELECT len(string_split(repeat('a,', 200000000), ','))`],
  ])('%s', async (_name, sql) => {
    expect(await failure(sql, { seconds: 1.5 })).toMatch(/^QUERY_(TIMEOUT|MEMORY|CRASHED)$/)
  })
})

test('a query may spill no more than it was granted', async () => {
  const sql = 'SELECT count(*) FROM (SELECT range, hash(range)::VARCHAR AS h FROM range(2000000) ORDER BY h OFFSET 1)'
  const limits = { seconds: 60, memoryBytes: 64 << 20, spillBytes: 8 << 20 }
  expect(await failure(sql, limits)).toBe('QUERY_SPILL')
})

describe('an answer that is too large is refused, not cut', () => {
  test.each(['csv', 'parquet'] as const)('by its rows: %s', async (format) => {
    expect(await failure('FROM range(5001)', { seconds: 20, rows: 5000 }, format)).toBe('QUERY_ROWS')
  })

  test.each(['csv', 'parquet'] as const)('by its bytes: %s', async (format) => {
    const sql = 'SELECT hash(range) AS a, hash(range + 1) AS b FROM range(100000)'
    expect(await failure(sql, { seconds: 20, bytes: 100_000 }, format)).toBe('QUERY_BYTES')
  })
})
