/** `stoker query`, as a user types it. */
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SnapshotFixture } from '../analysis/query/snapshot-fixture.ts'
import { stokerIn, stokerProcess } from './command.ts'

let fixture: SnapshotFixture
let folder: string
beforeAll(async () => {
  fixture = await SnapshotFixture.make()
  folder = await mkdtemp(join(tmpdir(), 'stoker-query-cli-'))
})
afterAll(async () => {
  await fixture.close()
  await rm(folder, { recursive: true, force: true })
})

const words = (more: readonly string[]) => ['query', '--lake', fixture.lake.root, ...more]
const query = (...more: string[]) => stokerIn(folder, ...words(more))
const queryProcess = (...more: string[]) => stokerProcess(...words(more))
const NAMES = 'SELECT family FROM patient_name ORDER BY ALL'

test('an answer written to a file has the format of its name, is whole, and for its owner alone', async () => {
  for (const ending of ['json', 'csv', 'arrow', 'parquet']) {
    const path = join(folder, `names.${ending}`)
    expect(await query(NAMES, '--output', path)).toMatchObject({ code: 0, stdout: '', stderr: '2 rows\n' })
    expect((await stat(path)).mode & 0o777).toBe(0o600)
  }
  expect(await readFile(join(folder, 'names.csv'), 'utf8')).toBe('family\r\nA\r\nB\r\n')
  expect((await readFile(join(folder, 'names.parquet'))).subarray(0, 4).toString()).toBe('PAR1')
})

test('an answer that fails leaves the file as it was, and nothing beside it', async () => {
  const path = join(folder, 'kept.csv')
  await writeFile(path, 'before')
  const before = await readdir(folder)
  const limited = await query('FROM range(10)', '--limit-rows', '9', '-o', path)
  expect(limited).toMatchObject({ code: 3, stderr: expect.stringContaining('more than 9 rows') as string })
  expect(await query('FROM nowhere', '-o', path)).toMatchObject({ code: 2 })
  const late = await query('SELECT count(*) FROM range(1000000000000)', '-o', path, '--timeout', '1')
  expect(late).toMatchObject({ code: 3, stderr: expect.stringContaining('code: QUERY_TIMEOUT') as string })
  expect(await readFile(path, 'utf8')).toBe('before')
  expect(await readdir(folder)).toEqual(before)
})

test('a query that DuckDB can not be stopped in ends in time all the same, and leaves nothing', async () => {
  const before = await readdir(folder)
  const sql = `SELECT levenshtein(repeat('a', 300000), repeat('b', 300000))`
  const ended = await queryProcess(sql, '--timeout', '1', '-o', join(folder, 'never.csv'))
  expect(ended).toMatchObject({ code: null, stderr: expect.stringContaining('took longer than 1 second') as string })
  expect(await readdir(folder)).toEqual(before)
})

test('SQL comes from a file, values by name and never as SQL', async () => {
  const file = join(folder, 'q.sql')
  await writeFile(file, '-- by name\nSELECT family, $n::INTEGER AS n FROM patient_name WHERE family = $name;\n')
  const asked = await query('--file', file, '--json', '-p', 'name=A', '-p', 'n=7')
  expect(asked).toMatchObject({ code: 0, stdout: '[\n{"family":"A","n":7}\n]\n' })
  expect((await query('--file', file, '--json', '-p', "name=A' OR true --", '-p', 'n=7')).stdout).toBe('[]\n')
  const missing = await query('--file', file, '-p', 'name=A')
  expect(missing).toMatchObject({ code: 2, stderr: expect.stringContaining(`the query's $n has no value`) as string })
})

test.each([
  [[], 'a query is given as an argument or in a file'],
  [['SELECT 1', '--file', 'q.sql'], 'a query is given as an argument or in a file'],
  [['SELECT 1', '-o', 'answer.xlsx'], 'does not tell the format'],
  [['SELECT 1', '-o', '/nowhere/at/all/answer.csv'], 'there is no folder /nowhere/at/all'],
  [['SELECT 1', '-p', 'x'], 'It must be NAME=VALUE.'],
  [['--file', '/nowhere/q.sql'], '/nowhere/q.sql'],
  [['DROP VIEW patient_name'], 'a query is one SELECT, not DROP'],
])('%j is a mistake that is explained', async (mistaken, expected) => {
  const { code, stdout, stderr } = await query(...mistaken)
  expect({ code: code === 2 || code === 3, stdout }).toEqual({ code: true, stdout: '' })
  expect(stderr).toContain(expected)
})

test('Parquet goes down a pipe as a whole', async () => {
  const { code, stdout, stderr } = await queryProcess('--format', 'parquet', NAMES)
  expect({ code, magic: stdout.slice(0, 4), end: stdout.slice(-4), stderr }).toEqual({
    code: 0,
    magic: 'PAR1',
    end: 'PAR1',
    stderr: '',
  })
})
