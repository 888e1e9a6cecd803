/** What a signal makes of a command that is under way. */
import { expect, test } from 'vitest'
import { listenForReload, underLifecycle } from '../../src/app/lifecycle.ts'
import { StokerError } from '../../src/core/errors.ts'

/** As if the signal came: other listeners of this process hear nothing of it. */
async function stopped(name: 'SIGINT' | 'SIGTERM', work: (signal: AbortSignal) => Promise<number>): Promise<number> {
  const before = new Set(process.listeners(name))
  return underLifecycle(
    () => undefined,
    (signal) => {
      const [handle] = process.listeners(name).filter((each) => !before.has(each))
      handle!(name)
      return work(signal)
    },
  )
}

const nothing = async () => 0
const aborted = async (signal: AbortSignal) => {
  signal.throwIfAborted()
  return 0
}

test.each([
  ['SIGINT', 'while it opens the lake', 130, aborted],
  ['SIGTERM', 'while it opens the lake', 143, aborted],
  ['SIGINT', 'and it came to an end', 130, nothing],
] as const)('%s %s: its exit code is %i', async (name, _when, code, work) => {
  expect(await stopped(name, work)).toBe(code)
})

test('an error that is not of the stopping is told all the same', async () => {
  const full = () => Promise.reject(new StokerError('DISK_FULL', 'the disk is full'))
  await expect(stopped('SIGINT', full)).rejects.toThrow('the disk is full')
})

test('without a signal the exit code is the own one, an error goes on, and no listener stays', async () => {
  const listeners = process.listenerCount('SIGINT')
  expect(
    await underLifecycle(
      () => undefined,
      async () => 6,
    ),
  ).toBe(6)
  await expect(
    underLifecycle(
      () => undefined,
      () => Promise.reject(new DOMException('', 'AbortError')),
    ),
  ).rejects.toThrow()
  expect(process.listenerCount('SIGINT')).toBe(listeners)
})

test('SIGHUP that comes before anybody can answer it is answered when somebody can, once, and no listener stays', () => {
  const listeners = process.listenerCount('SIGHUP')
  const reloads = listenForReload()
  let count = 0
  process.emit('SIGHUP', 'SIGHUP')
  process.emit('SIGHUP', 'SIGHUP')
  reloads.answer(() => (count += 1))
  expect(count).toBe(1)
  process.emit('SIGHUP', 'SIGHUP')
  expect(count).toBe(2)
  reloads.dispose()
  expect(process.listenerCount('SIGHUP')).toBe(listeners)
})
