import { existsSync } from 'node:fs'
import { readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { DiskGuard } from '../../../src/core/disk-space.ts'
import { rawRelation, rawRelationAt } from '../../../src/store/raw-log.ts'
import type { Keeping } from '../../../src/warehouse/keeping.ts'
import { compactSource } from '../../../src/warehouse/upkeep/compact.ts'
import { earliestWholeCommit } from '../../../src/warehouse/past/forget.ts'
import { deletions, nameView, patient, WarehouseFixture } from '../warehouse-fixture.ts'

let warehouse: WarehouseFixture
beforeEach(async () => {
  warehouse = await WarehouseFixture.make()
})
afterEach(() => warehouse.close())

type Rule = { rawLog?: Keeping['rawLog']; deletions?: Keeping['deletions']; now?: string; source?: string }
const compact = (
  how: 'worth' | 'thorough' | 'count' = 'thorough',
  { rawLog = 'all', deletions = 'remove', now = '2027-01-01T00:00:00Z', source = 's' }: Rule = {},
) =>
  compactSource({
    ...{ database: warehouse.database, lake: warehouse.lake, source, how, now: new Date(now) },
    keeping: { rawLog, deletions },
    disk: new DiskGuard({ path: warehouse.lake.root, minimumFreeBytes: 0, clock: systemClock }),
  })

const rows = <T extends object>(sql: string) => warehouse.database.using((session) => session.rows<T>(sql))
const rawFiles = async () =>
  (await readdir(join(warehouse.lake.root, 'raw'), { recursive: true, withFileTypes: true }))
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name).slice(warehouse.lake.root.length + 1))
    .sort()
const paths = async () =>
  (await rows<{ path: string }>('SELECT DISTINCT raw_path AS path FROM stoker.file WHERE raw_path IS NOT NULL')).map(
    ({ path }) => warehouse.lake.path(path),
  )
const lines = async () =>
  rows(`SELECT file, line, type, id, json FROM ${rawRelation(await paths())} ORDER BY file, line`)
/** Views made anew from the raw log: what it is kept for. */
async function rebuilt() {
  warehouse.views[0] = { ...nameView, hash: `${warehouse.views[0]!.hash}, anew` }
  await warehouse.align()
  return warehouse.families()
}
const day = (number: number) => `2026-01-${String(number).padStart(2, '0')}T00:00:00Z`

describe('compaction', () => {
  test('joins files and changes nothing else: every line is where the index says, and a view is rebuilt from them', async () => {
    await warehouse.load(day(1), [{ lines: [patient('a', 'A'), patient('b', 'B')] }, { lines: [patient('c', 'C')] }])
    await warehouse.load(day(2), [
      { lines: [patient('a', 'A2')] },
      { kind: 'deleted', lines: [deletions('Patient/b')] },
    ])
    const before = await lines()
    const done = await compact()
    expect(done).toMatchObject({ filesBefore: 4, filesAfter: 2, repeated: 0, superseded: 0 })
    expect(await lines()).toEqual(before)
    expect(await rawFiles()).toEqual(['raw/s/packed/1.parquet', 'raw/s/2/4.parquet'].sort())
    expect(await rebuilt()).toEqual(['a A2', 'c C'])
    const [{ json }] = (await rows<{ json: string }>(
      `SELECT json FROM ${rawRelationAt(await paths(), "SELECT file, line FROM stoker.resource WHERE id = 'b'")}`,
    )) as [{ json: string }]
    expect(json).toContain('DELETE')
  })

  test('goes on from there: later files join a packed one, and a merge after it finds what is held', async () => {
    for (let n = 1; n <= 3; n++) await warehouse.load(day(n), [{ lines: [patient(`p${n}`, `F${n}`)] }])
    await compact()
    await warehouse.load(day(4), [{ lines: [patient('p1', 'changed'), patient('p4', 'F4')] }])
    expect(await compact()).toMatchObject({ filesBefore: 2, filesAfter: 1 })
    expect(await rawFiles()).toEqual(['raw/s/packed/2.parquet'])
    expect(await rebuilt()).toEqual(['p1 changed', 'p2 F2', 'p3 F3', 'p4 F4'])
    expect(await compact()).toMatchObject({ filesBefore: 1, filesAfter: 1 })
    expect(await rawFiles()).toEqual(['raw/s/packed/2.parquet'])
  })

  test('a full export that repeats everything leaves each content once', async () => {
    const all = { lines: [patient('a', 'A'), patient('b', 'B')] }
    await warehouse.load(day(1), [all], ['Patient'])
    await warehouse.load(day(2), [{ lines: [patient('a', 'A'), patient('b', 'new')] }], ['Patient'])
    await warehouse.load(day(3), [all], ['Patient'])
    const done = await compact()
    // a of days 2 and 3; b's three states were each in force.
    expect(done).toMatchObject({ repeated: 2, superseded: 0, past: 0 })
    expect((await lines()).length).toBe(4)
    expect(await rows('SELECT file, kept FROM stoker.file ORDER BY file')).toEqual([
      { file: 1, kept: 2 },
      { file: 2, kept: 1 },
      { file: 3, kept: 1 },
    ])
    expect(await rebuilt()).toEqual(['a A', 'b B'])
    expect(await compact()).toMatchObject({ repeated: 0 })
  })

  test('a version that was received and never in force stays where all are kept, once', async () => {
    await warehouse.load(day(3), [{ lines: [patient('a', 'new', day(2), '2')] }])
    await warehouse.load(day(4), [{ lines: [patient('a', 'old', day(1), '1'), patient('a', 'old', day(1), '1')] }])
    expect(await compact()).toMatchObject({ repeated: 1, superseded: 0 })
    expect(await compact('thorough', { rawLog: 'latest' })).toMatchObject({ repeated: 0, superseded: 1 })
    expect(await rebuilt()).toEqual(['a new'])
  })

  test('what is counted beforehand is what is then done, and nothing is changed by it', async () => {
    const all = { lines: [patient('a', 'A'), patient('b', 'B')] }
    for (let n = 1; n <= 3; n++) await warehouse.load(day(n), [all], ['Patient'])
    await warehouse.load(day(4), [{ lines: [patient('b', 'C')] }])
    const before = await rawFiles()
    const counted = (await compact('count', { rawLog: 'latest' }))!
    expect(await rawFiles()).toEqual(before)
    const { bytesAfter: _, ...figures } = counted
    expect(await compact('thorough', { rawLog: 'latest' })).toMatchObject(figures)
    expect(figures).toMatchObject({ repeated: 4, superseded: 1, past: 1 })
  })

  test('is left alone until it is worth it', async () => {
    const files = (count: number, name: string) =>
      Array.from({ length: count }, (_, n) => ({ lines: [patient(`${name}${n}`, 'F')] }))
    await warehouse.load(day(1), files(28, 'p'))
    expect(await compact('worth')).toBeUndefined()
    await warehouse.load(day(2), files(5, 'q'))
    expect(await compact('worth')).toMatchObject({ filesBefore: 33, filesAfter: 1 })
    expect(await compact('worth')).toBeUndefined()
  })

  test('lines that repeat are worth it when they are a quarter of all', async () => {
    const all = { lines: Array.from({ length: 6 }, (_, n) => patient(`p${n}`, 'F')) }
    await warehouse.load(day(1), [all])
    await warehouse.load(day(2), [{ lines: [patient('p0', 'F')] }])
    await warehouse.database.using((session) =>
      session.run(
        `UPDATE stoker.file SET resources = kept; INSERT INTO stoker.run_type VALUES (2, 'Patient', 1, 0, 0, 1, 0, 0, 0, NULL)`,
      ),
    )
    expect(await compact('worth')).toBeUndefined()
    await warehouse.load(day(3), [{ lines: [patient('p0', 'F'), patient('p1', 'F')] }])
    await warehouse.database.using((session) =>
      session.run(
        `UPDATE stoker.file SET resources = kept; INSERT INTO stoker.run_type VALUES (3, 'Patient', 2, 0, 0, 2, 0, 0, 0, NULL)`,
      ),
    )
    expect(await compact('worth')).toMatchObject({ repeated: 3 })
    expect(await compact('worth')).toBeUndefined()
  })

  test('touches nothing of a run under way, or of another source', async () => {
    await warehouse.load(day(1), [{ lines: [patient('a', 'A')] }])
    await warehouse.load(day(1), [{ lines: [patient('a', 'A')] }], [], 'other')
    await warehouse.load(day(2), [{ lines: [patient('a', 'A')] }])
    await warehouse.database.using((session) => session.run(`UPDATE stoker.run SET state = 'published' WHERE run = 3`))
    const before = await rawFiles()
    expect(await compact()).toMatchObject({ filesBefore: 1, filesAfter: 1, orphans: 0 })
    expect(await rawFiles()).toEqual(before)
  })

  test('killed before or after the ledger moved, nothing is lost or doubled, and what is left over goes', async () => {
    for (let n = 1; n <= 2; n++) await warehouse.load(day(n), [{ lines: [patient(`p${n}`, `F${n}`)] }])
    const { lake } = warehouse
    const before = await lines()
    await compact()
    // As if killed just after the ledger moved: an old file is still there; just before: a new one nobody knows.
    await writeFile(lake.path('raw/s/packed/77.parquet'), '')
    await writeFile(lake.path('raw/s/packed/78.parquet.part'), '')
    await warehouse.load(day(3), [{ lines: [patient('p3', 'F3')] }])
    await rename(lake.path('raw/s/3/3.parquet'), lake.path('raw/s/3/4.parquet'))
    await writeFile(lake.path('raw/s/3/3.parquet'), await readFile(lake.path('raw/s/3/4.parquet')))
    expect(await compact()).toMatchObject({ orphans: 3, filesAfter: 1 })
    expect(await rawFiles()).toEqual(['raw/s/packed/2.parquet'])
    expect(existsSync(lake.path('raw/s/3'))).toBe(false)
    expect((await lines()).slice(0, 2)).toEqual(before)
  })

  test('books that do not balance stop it before an old file goes', async () => {
    for (let n = 1; n <= 2; n++) await warehouse.load(day(n), [{ lines: [patient(`p${n}`, `F${n}`)] }])
    await warehouse.database.using((session) => session.run('UPDATE stoker.file SET kept = 2 WHERE file = 1'))
    await expect(compact()).rejects.toMatchObject({ code: 'UPKEEP_BOOKS' })
    expect((await rawFiles()).filter((path) => !path.endsWith('.part'))).toEqual([
      'raw/s/1/1.parquet',
      'raw/s/2/2.parquet',
    ])
  })
})

describe('retention', () => {
  beforeEach(async () => {
    await warehouse.load(day(1), [{ lines: [patient('a', 'A1'), patient('b', 'B')] }])
    await warehouse.load(day(10), [{ lines: [patient('a', 'A2')] }])
    await warehouse.load(day(20), [{ lines: [patient('a', 'A3')] }])
    await warehouse.load(day(21), [{ kind: 'deleted', lines: [deletions('Patient/b')] }])
  })
  const kept = async () =>
    (
      await rows<{ json: string }>(
        `SELECT json FROM ${rawRelation(await paths())} WHERE type = 'Patient' ORDER BY file, line`,
      )
    ).map(({ json }) => (JSON.parse(json) as { name: [{ family: string }] }).name[0].family)
  const since = () => warehouse.database.using((session) => earliestWholeCommit(session))

  test('all: every version stays, and all of the past can be told', async () => {
    await compact()
    expect(await kept()).toEqual(['A1', 'B', 'A2', 'A3'])
    expect(await since()).toBe(0)
  })

  test('latest: what the index refers to stays, and the past can be told from the last change on', async () => {
    expect(await compact('thorough', { rawLog: 'latest' })).toMatchObject({ superseded: 3, past: 3 })
    expect(await kept()).toEqual(['A3'])
    expect(await since()).toBe(4)
    expect(await rebuilt()).toEqual(['a A3'])
  })

  test('latest, where deleted rows stay: so does the last content of what was deleted', async () => {
    await compact('thorough', { rawLog: 'latest', deletions: 'keep' })
    expect(await kept()).toEqual(['B', 'A3'])
    expect(await since()).toBe(3)
  })

  test('days: what was in force within them stays, and no more', async () => {
    await compact('thorough', { rawLog: { days: 10 }, now: '2026-01-25T00:00:00Z' })
    expect(await kept()).toEqual(['B', 'A2', 'A3'])
    expect(await since()).toBe(2)
    await compact('thorough', { rawLog: { days: 10 }, now: '2026-01-30T12:00:00Z' })
    expect(await kept()).toEqual(['B', 'A3'])
    expect(await since()).toBe(3)
  })
})
