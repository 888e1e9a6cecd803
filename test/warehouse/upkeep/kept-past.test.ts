import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { DiskGuard } from '../../../src/core/disk-space.ts'
import { definitionsOf } from '../../../src/warehouse/tables/definitions.ts'
import type { Keeping } from '../../../src/warehouse/keeping.ts'
import { makePastTable, pastCommit } from '../../../src/warehouse/past/past.ts'
import { compactSource } from '../../../src/warehouse/upkeep/compact.ts'
import { keepDeleted } from '../../../src/warehouse/tables/view.ts'
import { deletions, nameView, patient, WarehouseFixture } from '../warehouse-fixture.ts'

let warehouse: WarehouseFixture
beforeEach(async () => {
  warehouse = await WarehouseFixture.make()
  await warehouse.use(keepDeleted(nameView))
})
afterEach(() => warehouse.close())

const day = (number: number) => `2026-01-${String(number).padStart(2, '0')}T00:00:00Z`
const compact = (rawLog: Keeping['rawLog'], deletionsAre: Keeping['deletions'], now: string) =>
  compactSource({
    ...{ database: warehouse.database, lake: warehouse.lake, source: 's', how: 'thorough', now: new Date(now) },
    keeping: { rawLog, deletions: deletionsAre },
    disk: new DiskGuard({ path: warehouse.lake.root, minimumFreeBytes: 0, clock: systemClock }),
  })

/** The table as it was, `family` and whether it was a deleted resource's. */
const asOf = (run: string) =>
  warehouse.database.using(async (session) => {
    const commit = await pastCommit(session, run)
    const [view] = await definitionsOf(session, commit.run)
    await makePastTable(session, warehouse.lake, view!, commit)
    return familiesIn(session, 'temp._past')
  })
const present = () => warehouse.database.using((session) => familiesIn(session, 'patient_name'))
async function familiesIn(session: Parameters<typeof definitionsOf>[0], table: string): Promise<string[]> {
  const rows = await session.rows<{ text: string }>(
    `SELECT family || CASE WHEN _deleted_at IS NULL THEN '' ELSE ' deleted' END AS text FROM ${table} ORDER BY text`,
  )
  return rows.map(({ text }) => text)
}

describe('the past of tables that keep rows of deleted resources', () => {
  test('what was created again within the days is told as it was deleted before them', async () => {
    await warehouse.load(day(1), [{ lines: [patient('a', 'A1'), patient('b', 'B')] }])
    await warehouse.load(day(2), [{ kind: 'deleted', lines: [deletions('Patient/a')] }])
    const then = await present()
    expect(then).toEqual(['A1 deleted', 'B'])
    await warehouse.load(day(20), [{ lines: [patient('a', 'A2')] }])
    await compact({ days: 10 }, 'keep', day(25))
    expect(await asOf('2')).toEqual(then)
    await compact({ days: 10 }, 'keep', day(31))
    await expect(asOf('2')).rejects.toMatchObject({ code: 'PAST_FORGOTTEN' })
    expect(await asOf('3')).toEqual(['A2', 'B'])
  })

  test('stays while the newest commit has such rows, and is refused when they went, whatever the policy is by then', async () => {
    await warehouse.load(day(1), [{ lines: [patient('a', 'A'), patient('b', 'B')] }])
    await warehouse.load(day(2), [{ kind: 'deleted', lines: [deletions('Patient/a')] }])
    await warehouse.load(day(3), [{ lines: [patient('c', 'C')] }])
    const then = await present()
    expect(then).toEqual(['A deleted', 'B', 'C'])
    await warehouse.use({ ...nameView, hash: 'no longer kept' })
    await compact('latest', 'remove', day(4))
    expect(await asOf('3')).toEqual(then)
    await warehouse.load(day(5), [{ lines: [patient('b', 'B2')] }])
    expect(await compact('latest', 'remove', day(6))).toMatchObject({ superseded: 2, past: 2 })
    await expect(asOf('3')).rejects.toMatchObject({
      code: 'PAST_FORGOTTEN',
      hint: expect.stringContaining('is 4;') as string,
    })
    await warehouse.database.using(async (session) => expect((await pastCommit(session, '4')).run).toBe(4))
  })
})
