import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdir, readdir, readFile, rename, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { SnapshotReader } from '../../../src/warehouse/reading/reader.ts'
import { publishSnapshot, type Snapshot } from '../../../src/warehouse/snapshot/publish.ts'
import { Lease, leasedSnapshots } from '../../../src/warehouse/snapshot/leases.ts'
import { expiredSnapshots, removeSnapshots } from '../../../src/warehouse/snapshot/retention.ts'
import { patient, WarehouseFixture } from '../warehouse-fixture.ts'

let warehouse: WarehouseFixture
beforeEach(async () => {
  warehouse = await WarehouseFixture.make()
})
afterEach(() => warehouse.close())

const day = (number: number) => new Date(Date.UTC(2026, 0, number))

async function publish(on: number, snapshots = { keep: 1, days: 0 }): Promise<Snapshot> {
  const { database, lake, views } = warehouse
  return publishSnapshot(database, lake, views, undefined, day(on), { snapshots })
}

/** A process that has the newest snapshot open, and answers. */
async function readElsewhere(
  wrapper: readonly string[] = [],
): Promise<{ readonly child: ChildProcess; readonly answer: (sql: string) => Promise<unknown> }> {
  const script = new URL('reading-process.js', import.meta.url).pathname
  const [program, ...args] = [...wrapper, process.execPath, script, warehouse.lake.root]
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  expect((await lines.next()).value).toBe('open')
  const answer = async (sql: string): Promise<unknown> => {
    child.stdin.write(`${sql}\n`)
    return (await lines.next()).value
  }
  return { child, answer }
}

const spills = async () =>
  (await readdir(join(warehouse.lake.root, 'temp'))).filter((name) => name.startsWith('query-'))

const folders = async () => (await readdir(warehouse.lake.snapshots)).sort()

describe('what may go', () => {
  const there = [1, 2, 3, 4, 5].map((snapshot) => ({ snapshot, publishedAt: day(snapshot) }))
  test.each([
    ['beyond the newest few', { keep: 2, days: 0 }, [], day(5), [1, 2, 3]],
    ['but not what was the newest within the days', { keep: 1, days: 2 }, [], day(5), [1, 2]],
    ['counted to the hour', { keep: 1, days: 2 }, [], new Date(day(5).getTime() - 1), [1]],
    ['nor what is being read', { keep: 1, days: 0 }, [2, 4], day(9), [1, 3]],
    ['and the newest never', { keep: 0, days: 0 }, [], day(99), [1, 2, 3, 4]],
    ['nothing where there are no more', { keep: 9, days: 0 }, [], day(99), []],
  ])('is what lies %s', (_name, keeping, held, now, expected) => {
    expect(expiredSnapshots(there, keeping, new Set(held), now)).toEqual(expected)
  })
})

test('old snapshots go, the ledger remembers them, and what was carried over from them stays readable', async () => {
  await warehouse.load('2026-01-01T00:00:00Z', [{ lines: [patient('a', 'A')] }])
  await publish(1)
  const second = await publish(2)
  expect(second).toMatchObject({ removed: [1], tables: [{ carriedOver: true }] })
  expect(await folders()).toEqual(['000002'])
  const reader = await SnapshotReader.open(warehouse.lake, 256 << 20)
  expect(await reader.rows('SELECT family FROM patient_name')).toEqual([{ family: 'A' }])
  await reader.close()
  const remembered = await warehouse.database.using((session) =>
    session.rows('SELECT snapshot, removed_at FROM stoker.snapshot ORDER BY snapshot'),
  )
  expect(remembered).toEqual([
    { snapshot: 1, removed_at: day(2) },
    { snapshot: 2, removed_at: null },
  ])
})

test('a snapshot that another process reads stays whole until it is done with it, or is killed', async () => {
  await warehouse.load('2026-01-01T00:00:00Z', [{ lines: [patient('a', 'A')] }])
  await publish(1)
  const { child, answer } = await readElsewhere()
  for (const on of [2, 3, 4]) {
    await warehouse.load(day(on).toISOString(), [{ lines: [patient('a', `A${on}`)] }])
    await publish(on)
  }
  expect(await folders()).toEqual(['000001', '000004'])
  expect(await answer('SELECT family FROM patient_name')).toBe('[{"family":"A"}]')
  expect(await spills()).toHaveLength(1)
  const ended = new Promise((resolve) => child.on('close', resolve))
  child.kill('SIGKILL')
  await ended
  expect(await readdir(warehouse.lake.readers)).toHaveLength(1)
  expect((await publish(5)).removed).toEqual([1, 4])
  expect(await readdir(warehouse.lake.readers)).toEqual([])
  expect(await spills()).toEqual([])
})

test('nor does one go that a process of another container reads which has the name of this host', async ({ skip }) => {
  const other = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc']
  if (spawnSync(other[0]!, [...other.slice(1), 'true']).status !== 0) skip('no PID namespace may be made here')
  await warehouse.load('2026-01-01T00:00:00Z', [{ lines: [patient('a', 'A')] }])
  await publish(1)
  const { child, answer } = await readElsewhere(other)
  for (const on of [2, 3]) {
    await warehouse.load(day(on).toISOString(), [{ lines: [patient('a', `A${on}`)] }])
    await publish(on)
  }
  expect(await folders()).toEqual(['000001', '000003'])
  expect(await spills()).toHaveLength(1)
  expect(await answer('SELECT family FROM patient_name')).toBe('[{"family":"A"}]')
  const ended = new Promise((resolve) => child.on('close', resolve))
  child.stdin!.end()
  await ended
  expect((await publish(4)).removed).toEqual([1, 3])
  expect(await spills()).toEqual([])
})

test('what is being read is not so much as moved', async () => {
  const { database, lake } = warehouse
  const keepAll = { keep: 9, days: 0 }
  for (const on of [1, 2, 3]) await publish(on, keepAll)
  const lease = await Lease.take(lake, 1)
  // Renaming a folder changes it, and the one it is in.
  const changes = async () =>
    Promise.all([lake.snapshot(1), lake.snapshots].map(async (path) => (await stat(path)).ctimeMs))
  const before = await changes()
  expect(await removeSnapshots(database, lake, [1], new Date())).toEqual([])
  expect(await changes()).toEqual(before)
  expect(await removeSnapshots(database, lake, [1, 2], new Date())).toEqual([2])
  await lease!.release()
  expect(await removeSnapshots(database, lake, [1, 2], new Date())).toEqual([1, 2])
})

test('a lease of another host counts for a day, one of a process number that was given again does not', async () => {
  await publish(1)
  const { lake } = warehouse
  await Lease.take(lake, 1)
  const [name] = await readdir(lake.readers)
  const own = JSON.parse(await readFile(join(lake.readers, name!), 'utf8')) as object
  const put = (file: string, lease: object) => writeFile(join(lake.readers, file), JSON.stringify({ ...own, ...lease }))
  await put('1-a.json', { snapshot: 7, began: '1' })
  await put('1-b.json', { snapshot: 8, host: 'elsewhere' })
  const now = new Date()
  expect(await leasedSnapshots(lake, now)).toEqual(new Set(process.platform === 'linux' ? [1, 8] : [1, 7, 8]))
  await put('1-b.json', { snapshot: 8, host: 'elsewhere' })
  await utimes(join(lake.readers, '1-b.json'), now, new Date(now.getTime() - 25 * 3600_000))
  expect((await leasedSnapshots(lake, now)).has(8)).toBe(false)
})

test('a removal that was interrupted is finished, or undone where it was not settled, by the next publishing', async () => {
  const { database, lake } = warehouse
  const keepAll = { keep: 9, days: 0 }
  await publish(1, keepAll)
  await publish(2, keepAll)
  await rename(lake.snapshot(1), `${lake.snapshot(1)}.removed`)
  await mkdir(`${lake.snapshot(77)}.removed`)
  await publish(3, keepAll)
  expect(await folders()).toEqual(['000001', '000002', '000003'])
  expect(await removeSnapshots(database, lake, [1, 2], day(4))).toEqual([1, 2])
  expect(await removeSnapshots(database, lake, [1, 2], day(4))).toEqual([1, 2])
  expect(await folders()).toEqual(['000003'])
})

test('the newest snapshot is read even if the one before it went between the look for it and the lease', async () => {
  await warehouse.load('2026-01-01T00:00:00Z', [{ lines: [patient('a', 'A')] }])
  await publish(1)
  await stat(warehouse.lake.readers)
  const reading = Array.from({ length: 5 }, async () => {
    const reader = await SnapshotReader.open(warehouse.lake, 256 << 20)
    const rows = await reader.rows('SELECT family FROM patient_name')
    await reader.close()
    return rows
  })
  await publish(2)
  await publish(3)
  for (const rows of await Promise.all(reading)) expect(rows).toEqual([{ family: 'A' }])
})
