import { createWriteStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { finished } from 'node:stream/promises'
import { describe, expect, test } from 'vitest'
import type { StokerError } from '../../src/core/errors.ts'
import { diskErrorOfDuckDb, foreseen, ofFile } from '../../src/core/system-error.ts'

describe('an error of the disk', () => {
  test.each([
    [
      'IO Error: Could not write file "/data/lake/w.duckdb": No space left on device',
      'DISK_FULL',
      '/data/lake/w.duckdb',
    ],
    [
      'TransactionContext Error: Failed to commit: Could not write file "/data/w.duckdb": Disk quota exceeded',
      'DISK_FULL',
      '/data/w.duckdb',
    ],
    [
      'FATAL Error: Failed: database has been invalidated because of a previous fatal error.\nOriginal error: "Failed to create checkpoint because of error: Could not write file "/data/w.duckdb": No space left on device"',
      'DISK_FULL',
      '/data/w.duckdb',
    ],
    ['IO Error: Could not write file "/data/1.parquet": File too large', 'DISK_FILE_LIMIT', '/data/1.parquet'],
    ['IO Error: Could not read from file "/data/w.duckdb": Input/output error', 'DISK_FAILING', '/data/w.duckdb'],
  ])("is known by DuckDB's words: %s", (message, code, path) => {
    const cause = new Error(message)
    const known = foreseen(cause)
    expect(known).toMatchObject({ code, retryable: code === 'DISK_FULL', facts: { path }, cause })
    expect((known as StokerError).hint).toBeTruthy()
    expect(diskErrorOfDuckDb(cause, 'COMMIT')).toMatchObject({ code, facts: { doing: 'COMMIT' } })
  })

  test('is not what a value of the data says', () => {
    const error = new Error("Conversion Error: Could not convert string 'No space left on device' to DATE")
    expect(foreseen(error)).toBe(error)
  })

  test('of a write, for which the system names no file, is given its own', async () => {
    // A device that is always full.
    const full = createWriteStream('/dev/full')
    full.end('x')
    const error = await finished(full).catch((reason: unknown) => reason)
    expect(foreseen(ofFile(error, '/data/lake/staging/1/2.ndjson'))).toMatchObject({
      code: 'DISK_FULL',
      message: 'the disk is full (/data/lake/staging/1/2.ndjson)',
    })
  })

  test('that names its file keeps it, and what is no error of the system stays as it is', async () => {
    const missing = await readFile('/nowhere/at/all').catch((reason: unknown) => reason)
    expect(foreseen(ofFile(missing, '/other'))).toMatchObject({
      code: 'DISK_MISSING',
      facts: { path: '/nowhere/at/all' },
    })
    const other = new Error('other')
    expect([ofFile(other, '/x'), foreseen(other)]).toEqual([other, other])
    expect(other).not.toHaveProperty('path')
  })
})
