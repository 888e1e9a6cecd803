import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Database } from '../../src/store/database.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stoker-database-'))
})
afterEach(() => rm(folder, { recursive: true }))

const MEMORY_BYTES = 48 << 20
const worker = { command: 'stoker sync --config stoker.yaml', version: '1.2.3', startedAt: new Date(0) }
const open = () => Database.open({ path: join(folder, 'w.duckdb'), memoryLimitBytes: MEMORY_BYTES, threads: 1, worker })

/** More than the memory holds. */
const SPILLING = `CREATE OR REPLACE TEMP TABLE t AS SELECT md5(i::VARCHAR) AS a, md5((i + 1)::VARCHAR) AS b FROM range(800000) AS r(i)`

describe('what is spilled', () => {
  test('of a killed process is cleared away at the next start, and nothing is left by one that ends', async () => {
    const left = join(folder, 'temp', '7-1-1')
    await mkdir(left, { recursive: true })
    await writeFile(join(left, 'duckdb_temp_storage_DEFAULT-0.tmp'), 'x')
    const database = await open()
    expect(await readdir(join(folder, 'temp'))).toEqual([])
    await database.using((session) => session.run(SPILLING))
    expect(await readdir(join(folder, 'temp'))).toHaveLength(1)
    database.close()
    expect(await readdir(join(folder, 'temp'))).toEqual([])
  })

  test('is no more than the disk has room for, and an error of the disk says so', async () => {
    const database = await open()
    try {
      await database.limitSpill(0)
      const error = await database.using((session) => session.run(SPILLING)).catch((reason: unknown) => reason)
      expect(error).toMatchObject({ code: 'DISK_LOW', retryable: true })
      await database.limitSpill(10e9)
      // Below what is spilled now nothing changes.
      await database.using(async (session) => {
        await session.run(SPILLING)
        await database.limitSpill(0)
      })
    } finally {
      database.close()
    }
  })
})

describe('the file that tells of the worker', () => {
  test('is there for its owner while the database is open, and gone afterwards', async () => {
    const path = join(folder, 'worker.json')
    const database = await open()
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({
      pid: process.pid,
      command: worker.command,
      version: '1.2.3',
      startedAt: '1970-01-01T00:00:00.000Z',
    })
    database.close()
    expect(existsSync(path)).toBe(false)
  })

  test('stays when it has become that of another', async () => {
    const path = join(folder, 'worker.json')
    const database = await open()
    const other = JSON.stringify({ ...(JSON.parse(await readFile(path, 'utf8')) as object), pid: 1 })
    await writeFile(path, other)
    database.close()
    expect(await readFile(path, 'utf8')).toBe(other)
  })
})
