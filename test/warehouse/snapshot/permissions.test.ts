import { spawnSync } from 'node:child_process'
import { chmod, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Keeping } from '../../../src/warehouse/keeping.ts'
import { publishSnapshot } from '../../../src/warehouse/snapshot/publish.ts'
import { patient, WarehouseFixture } from '../warehouse-fixture.ts'

let warehouse: WarehouseFixture
let umask: number
beforeEach(async () => {
  umask = process.umask(0o077)
  warehouse = await WarehouseFixture.make()
  await warehouse.load('2026-01-01T00:00:00Z', [{ lines: [patient('a', 'A'), patient('b', 'B')] }])
})
afterEach(async () => {
  process.umask(umask)
  await warehouse.close()
})

const publish = (readers: Keeping['readers']) =>
  publishSnapshot(warehouse.database, warehouse.lake, warehouse.views, undefined, new Date(), { readers })

/** The modes of the lake's folder, of all folders and of all files that are published, and of the worker's own. */
async function modes() {
  const { lake } = warehouse
  const of = async (path: string) => ((await stat(path)).mode & 0o777).toString(8)
  const entries = await readdir(lake.snapshots, { recursive: true, withFileTypes: true })
  const paths = (isFile: boolean) =>
    entries.filter((entry) => entry.isFile() === isFile).map((entry) => join(entry.parentPath, entry.name))
  const all = async (list: string[]) => [...new Set(await Promise.all(list.map(of)))].join(' ')
  return {
    root: await of(lake.root),
    folders: await all([lake.snapshots, ...paths(false)]),
    files: await all([lake.catalog, ...paths(true)]),
    own: await all([lake.database, join(lake.root, 'raw'), join(lake.root, 'staging'), lake.readers]),
  }
}

const OWN = '600 700'

describe('who may read', () => {
  test.each([
    ['owner', { root: '700', folders: '700', files: '600', own: OWN }],
    ['group', { root: '710', folders: '750', files: '640', own: OWN }],
    ['everyone', { root: '711', folders: '755', files: '644', own: OWN }],
  ] as const)('%s: told by the modes of what is published, whatever the umask', async (readers, expected) => {
    await publish(readers)
    expect(await modes()).toEqual(expected)
    process.umask(0)
    await publish(readers)
    expect(await modes()).toEqual(expected)
  })

  test('changes with the setting, for old snapshots too', async () => {
    await publish('everyone')
    await publish('owner')
    expect(await modes()).toEqual({ root: '700', folders: '700', files: '600', own: OWN })
    await publish('group')
    expect(await modes()).toEqual({ root: '710', folders: '750', files: '640', own: OWN })
  })

  test("what an operator allowed on the lake's own folder is left to him", async () => {
    await chmod(warehouse.lake.root, 0o2750)
    await publish('owner')
    expect((await stat(warehouse.lake.root)).mode & 0o7777).toBe(0o2750)
    await publish('everyone')
    expect((await stat(warehouse.lake.root)).mode & 0o7777).toBe(0o2751)
  })
})

const NOBODY = 65534

function readAsNobody(): unknown {
  const { lake } = warehouse
  const script = new URL('foreign-reader.js', import.meta.url).pathname
  const secrets = [lake.database, join(lake.root, 'raw', 's', '1', '1.parquet')]
  const { stdout, stderr } = spawnSync(process.execPath, [script, lake.root, ...secrets], {
    uid: NOBODY,
    gid: NOBODY,
    encoding: 'utf8',
  })
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout)
}

test('another user opens the catalog without write rights, and reads nothing else', async ({ skip }) => {
  if (process.getuid?.() !== 0) skip('only root can start a process of another user')
  await publish('everyone')
  const denied = { uid: NOBODY, secrets: ['EACCES', 'EACCES'], list: 'EACCES', write: 'EACCES', lease: 'EACCES' }
  expect(readAsNobody()).toEqual({ ...denied, rows: ['A', 'B'] })
  await publish('owner')
  expect(readAsNobody()).toEqual({ ...denied, rows: 'EACCES' })
})
