import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Database } from '../../../src/store/database.ts'
import type { Session } from '../../../src/store/session.ts'
import { writeViewTable, type TableFile } from '../../../src/warehouse/snapshot/table-files.ts'
import { createHash } from 'node:crypto'

const view = {
  resource: 'Observation',
  columns: [
    { name: 'patient_key', type: 'VARCHAR' },
    { name: 'code', type: 'VARCHAR' },
    { name: 'value', type: 'DOUBLE' },
    { name: 'tags', type: 'VARCHAR[]' },
    { name: 'note', type: 'VARCHAR' },
  ],
}

/** Rows of 1,000 patients, 50 codes, three rows a resource; `size` in units of 32 bytes a row. */
const rows = (count = 40_000, size = 1) => `
  SELECT 's' AS _source, 's/Observation/' || md5((r // 3)::VARCHAR) AS _resource_key, NULL::TIMESTAMPTZ AS _last_updated,
    1::INTEGER AS _run, 1::INTEGER AS _file, r // 3 AS _line,
    CASE WHEN r % 997 = 0 THEN NULL ELSE 's/Patient/' || md5((hash(r // 3) % 1000)::VARCHAR) END AS patient_key,
    CASE WHEN r % 991 = 0 THEN NULL ELSE 'c' || hash(r // 3) % 50 END AS code, (r % 3) // 2 AS value,
    CASE r % 5 WHEN 0 THEN NULL WHEN 1 THEN [] ELSE ['a', NULL, 'b' || r % 2] END AS tags, repeat(md5((r // 2)::VARCHAR), ${size}) AS note
  FROM range(${count}) AS t(r)`

let folder: string
let databases: Database[]
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stoker-files-'))
  databases = []
})
afterEach(async () => {
  for (const database of databases) database.close()
  await rm(folder, { recursive: true })
})

async function openSession(select: string, memoryLimitBytes = 1 << 30, threads = 2): Promise<Session> {
  const path = join(folder, `db${databases.length}`, 'w.duckdb')
  const database = await Database.open({ path, memoryLimitBytes, threads })
  databases.push(database)
  const session = await database.session()
  await session.run(`CREATE TABLE t AS ${select}`)
  return session
}

const write = (
  session: Session,
  name: string,
  size?: number,
  published?: { folder: string; files: readonly TableFile[] },
) => writeViewTable(session, view, 't', join(folder, name), published, size === undefined ? undefined : { rows: size })

describe('a published table', () => {
  test('is the same bytes for the same rows, in whatever order they lie, with one thread, and when sorting spills', async () => {
    const large = rows(250_000, 3)
    const plain = await write(await openSession(large), 'plain')
    expect(plain.files.map((file) => file.rows)).toEqual([250_000])
    const shuffled = await openSession(`FROM (${large}) ORDER BY hash(note, value, 1)`, 64 << 20, 1)
    expect((await write(shuffled, 'others')).files).toEqual(plain.files)
    await shuffled.run(`SET GLOBAL max_temp_directory_size = '0KiB'`)
    await expect(write(shuffled, 'without spilling')).rejects.toMatchObject({
      code: expect.stringMatching(/^STORE_|^DISK_/) as string,
    })
  })

  test('is the same bytes, too, when it is cut into ranges of patients', async () => {
    const cut = await write(await openSession(rows()), 'cut', 5_000)
    const shuffled = await openSession(`FROM (${rows()}) ORDER BY hash(value, note)`, 100 << 20, 1)
    expect((await write(shuffled, 'again', 5_000)).files).toEqual(cut.files)
    expect(cut.files.length).toBeGreaterThan(10)
  })

  test('has the rows of the table, each once, however it is cut, and tells their sums truly', async () => {
    const session = await openSession(rows())
    const { files } = await write(session, 'cut', 5_000)
    const pattern = join(folder, 'cut', '*.parquet')
    const [difference] = await session.rows<{ rows: number }>(
      `SELECT (SELECT count(*) FROM (FROM t EXCEPT ALL FROM read_parquet('${pattern}'))) +
         (SELECT count(*) FROM (FROM read_parquet('${pattern}') EXCEPT ALL FROM t)) AS rows`,
    )
    expect(difference).toEqual({ rows: 0 })
    for (const { file, bytes, sha256, rows: count } of files) {
      const path = join(folder, 'cut', file)
      expect((await stat(path)).size).toBe(bytes)
      expect(
        createHash('sha256')
          .update(await readFile(path))
          .digest('hex'),
      ).toBe(sha256)
      expect(await session.first(`SELECT count(*) AS count FROM '${path}'`)).toEqual({ count })
    }
  })

  test('is read in a small part for one patient, and for one code', async () => {
    const session = await openSession(rows())
    const { files } = await write(session, 'cut', 5_000)
    await write(session, 'whole')
    const groupsWith = async (name: string, column: string, value: string) =>
      session.first(
        `SELECT count(*) FILTER ('${value}' BETWEEN stats_min_value AND stats_max_value) AS hits, count(*) AS groups
         FROM parquet_metadata('${join(folder, name, '*.parquet')}') WHERE path_in_schema = '${column}'`,
      )
    const one = await session.first<{ key: string }>('SELECT max(patient_key) AS key FROM t')
    expect(await groupsWith('cut', 'patient_key', one!.key)).toEqual({ hits: 1, groups: files.length })
    expect(await groupsWith('whole', 'code', 'c7')).toEqual({ hits: 1, groups: 2 })
  })

  test('is written anew only where rows changed: an increment beside the rest, a patient in one file', async () => {
    const session = await openSession(rows())
    const first = await write(session, 'first', 5_000)
    const published = { folder: join(folder, 'first'), files: first.files }
    await session.run(`UPDATE t SET value = 7 WHERE patient_key = (SELECT max(patient_key) FROM t)`)
    const second = await write(session, 'second', 5_000, published)
    expect(second.files).toHaveLength(first.files.length)
    expect(second.carriedOver).toBe(first.files.length - 1)
    const { ino } = await stat(join(folder, 'first', '0.parquet'))
    expect((await stat(join(folder, 'second', '0.parquet'))).ino).toBe(ino)
    await session.run(
      `INSERT INTO t BY NAME SELECT * REPLACE (2 AS _run, hash(note)::VARCHAR AS _resource_key) FROM t LIMIT 1000`,
    )
    const third = await write(session, 'third', 5_000, { folder: join(folder, 'second'), files: second.files })
    expect(third.carriedOver).toBe(second.files.length)
    expect(third.files).toHaveLength(second.files.length + 1)
  })
})
