import { existsSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Database } from '../../src/store/database.ts'
import { markText, ownMark } from '../../src/store/process-mark.ts'

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

  test('by a query goes when its process is no more; elsewhere that can be told by its age alone', async () => {
    const own = ownMark()
    const { pid } = spawnSync(process.execPath, ['--version'])
    const elsewhere = { ...own, host: 'elsewhere' }
    const [living, killed, reused] = [own, { ...own, pid }, { ...own, began: '1' }].map((m) => `query-${markText(m)}-a`)
    const [recent, old] = ['b', 'c'].map((end) => `query-${markText(elsewhere)}-${end}`)
    for (const name of [living, killed, reused, recent, old]) {
      await mkdir(join(folder, 'temp', name!), { recursive: true })
      await writeFile(join(folder, 'temp', name!, 'duckdb_temp_storage_DEFAULT-0.tmp'), 'x')
    }
    await utimes(join(folder, 'temp', old!), new Date(), new Date(Date.now() - 25 * 3600_000))
    ;(await open()).close()
    const kept = process.platform === 'linux' ? [living, recent] : [living, reused, recent]
    expect((await readdir(join(folder, 'temp'))).sort()).toEqual(kept.sort())
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

test("a log that was made for other eyes too is the owner's alone once the database is open", async () => {
  const path = join(folder, 'w.duckdb')
  const killed = `
    const { DuckDBInstance } = await import('@duckdb/node-api')
    const connection = await (await DuckDBInstance.create(process.argv[1])).connect()
    await connection.run('CREATE TABLE t AS SELECT 1')
    process.kill(process.pid, 'SIGKILL')`
  const options = { cwd: import.meta.dirname, encoding: 'utf8' } as const
  spawnSync(process.execPath, ['--input-type=module', '-e', killed, path], options)
  for (const each of [path, `${path}.wal`]) await chmod(each, 0o644)
  const modes = async () => {
    const names = (await readdir(folder)).filter((name) => name.startsWith('w.duckdb')).sort()
    return Promise.all(names.map(async (name) => [name, (await stat(join(folder, name))).mode & 0o777]))
  }
  const umask = process.umask(0)
  const database = await open()
  try {
    expect(await modes()).toEqual([
      ['w.duckdb', 0o600],
      ['w.duckdb.wal', 0o600],
    ])
    await database.using(async (session) => {
      await session.run('CHECKPOINT')
      expect(await modes()).toEqual([['w.duckdb', 0o600]])
      await session.run('CREATE TABLE u AS SELECT 1')
      await session.run(`ATTACH '${path}.part' AS anew`)
      await session.run('CREATE TABLE anew.t AS SELECT 1')
      expect((await modes()).map(([, mode]) => mode)).toEqual([0o600, 0o600, 0o600, 0o600])
    })
  } finally {
    database.close()
    process.umask(umask)
  }
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
