import { tmpdir } from 'node:os'
import { describe, expect, test } from 'vitest'
import type { Clock } from '../../src/core/clock.ts'
import { DiskGuard, freeDiskBytes, sizeText } from '../../src/core/disk-space.ts'

/** Each sleep ends when the test says so. */
class HeldClock implements Clock {
  private readonly sleepers: (() => void)[] = []
  now = () => new Date(0)
  sleep(_ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.sleepers.push(resolve)
      signal?.addEventListener('abort', () => reject(signal.reason as Error))
    })
  }
  wake(): void {
    for (const sleeper of this.sleepers.splice(0)) sleeper()
  }
}

const MB = 1e6
const clock = new HeldClock()

function guard(freeBytes: () => number, minimumFreeBytes = 100 * MB): DiskGuard {
  return new DiskGuard({ path: '/data/lake', minimumFreeBytes, clock, freeBytes: () => Promise.resolve(freeBytes()) })
}

describe('a disk guard', () => {
  test('lets through what leaves the minimum free, and else says what is free, what is kept, what it needs and where', async () => {
    const disk = guard(() => 150 * MB)
    await disk.require('a snapshot', 50 * MB)
    await expect(disk.require('a snapshot', 51 * MB)).rejects.toMatchObject({
      code: 'DISK_LOW',
      retryable: true,
      message:
        'no room for a snapshot: 150MB are free in /data/lake, of which minimumFreeDisk keeps 100MB; it needs about 51MB',
      hint: expect.stringContaining('it goes on where it stopped') as unknown,
      facts: { path: '/data/lake', freeBytes: 150 * MB, minimumFreeBytes: 100 * MB, neededBytes: 51 * MB },
    })
    expect([await disk.room(), await guard(() => 20 * MB).room()]).toEqual([50 * MB, 0])
  })

  test('looks now and then while several write, however small their pieces', async () => {
    let looks = 0
    const disk = guard(() => {
      looks += 1
      return looks < 3 ? 101 * MB : 99 * MB
    })
    let written = 0
    const download = async (pieceBytes: number) => {
      for (;;) {
        await disk.writing('the download of Patient', pieceBytes)
        written += pieceBytes
      }
    }
    const ends = await Promise.allSettled([download(64 * 1024), download(1000)])
    for (const end of ends) expect(end).toMatchObject({ reason: { code: 'DISK_LOW' } })
    expect(looks).toBeLessThan(6)
    expect(written).toBeLessThan(40 * MB)
  })

  test('interrupts the work it watches when the disk runs low, and leaves alone what ends before', async () => {
    let free = 200 * MB
    const disk = guard(() => free)
    expect(await disk.watch('the merge', undefined, () => Promise.resolve('done'))).toBe('done')
    const interrupted = disk.watch(
      'the merge',
      new AbortController().signal,
      (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    )
    const ended = expect(interrupted).rejects.toMatchObject({ code: 'DISK_LOW' })
    clock.wake()
    await new Promise((resolve) => setImmediate(resolve))
    free = 10 * MB
    clock.wake()
    await ended
  })

  test('with a minimum of nothing checks nothing, not even whether there is a disk', async () => {
    const disk = guard(() => {
      throw new Error('asked')
    }, 0)
    await disk.require('anything', 1e15)
    expect(await disk.room()).toBe(Infinity)
    expect(await disk.watch('anything', undefined, () => Promise.resolve(1))).toBe(1)
  })
})

test('the free space of a real folder is a number of bytes', async () => {
  expect(await freeDiskBytes(tmpdir())).toBeGreaterThan(0)
})

test('sizes are written as the configuration has them', () => {
  expect([0, 999, 1500, 1e9, 2.345e9, 99.6e9, 9e14].map(sizeText)).toEqual([
    '0B',
    '999B',
    '1.5kB',
    '1GB',
    '2.3GB',
    '100GB',
    '900TB',
  ])
})
