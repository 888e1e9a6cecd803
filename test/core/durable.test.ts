import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeFolder, writeWhole } from '../../src/core/durable.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stoker-durable-'))
})
afterAll(() => rm(folder, { recursive: true }))

const modeOf = async (path: string) => (await stat(path)).mode & 0o777

describe('a folder', () => {
  test('is made with its missing parents, each for its owner alone, and made again is left as it is', async () => {
    const path = join(folder, 'a', 'b', 'c')
    await makeFolder(path)
    await makeFolder(path)
    await Promise.all([makeFolder(join(folder, 'x', 'y')), makeFolder(join(folder, 'x', 'z'))])
    for (const each of ['a', 'a/b', 'a/b/c', 'x/y', 'x/z']) expect(await modeOf(join(folder, each))).toBe(0o700)
  })
  test('that can not be is an error, not a wait without end', async () => {
    await writeFile(join(folder, 'file'), '')
    await expect(makeFolder(join(folder, 'file'))).rejects.toMatchObject({ code: 'EEXIST' })
    await expect(makeFolder(join(folder, 'file', 'under'))).rejects.toMatchObject({ code: 'ENOTDIR' })
    await expect(makeFolder('/proc/stoker')).rejects.toThrow()
  })
})

test('a small file is written whole, for its owner alone, in place of what was there', async () => {
  const path = join(folder, 'small')
  await writeFile(path, 'old', { mode: 0o644 })
  await writeWhole(path, 'new')
  expect(await readFile(path, 'utf8')).toBe('new')
  expect(await modeOf(path)).toBe(0o600)
})

test('a file may be for others too, whatever the umask', async () => {
  const umask = process.umask(0o077)
  try {
    const path = join(folder, 'public')
    await writeWhole(path, 'x', 0o644)
    expect(await modeOf(path)).toBe(0o644)
  } finally {
    process.umask(umask)
  }
})
