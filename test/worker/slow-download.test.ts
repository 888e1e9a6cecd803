import { expect, test } from 'vitest'
import { Places } from '../../src/worker/places.ts'
import { withPace, type Pace } from '../../src/worker/slow-download.ts'
import { HandClock } from '../service/hand-clock.ts'

const { signal } = new AbortController()

/** A download of a run that has the only place, until it is told to end. */
function downloading(until: AbortSignal = signal) {
  const clock = new HandClock()
  const places = new Places(1)
  const place = places.enter()
  let end!: () => void
  let pace!: Pace
  const over = new Promise<void>((resolve) => (end = resolve))
  const ended = place.during(until, () =>
    withPace(place, clock, until, async (given) => {
      pace = given
      await over
    }),
  )
  return { clock, places, place, end, ended, pace: () => pace }
}

test('a server that hangs, or drips, in the middle of a file holds up nobody else', async () => {
  const { clock, places, place, end, ended, pace } = downloading()
  await clock.pass(9_999)
  pace().arrived(200_000)
  await clock.pass(10_000)
  expect(places.isFree).toBe(false)
  for (let bytes = 200_001; bytes <= 200_010; bytes += 1) {
    pace().arrived(bytes)
    await clock.pass(1_000)
  }
  expect(places.isFree).toBe(true)
  const other = places.enter()
  end()
  let isOver = false
  void ended.then(() => (isOver = true))
  await clock.pass(60_000)
  // What is done with the file is work.
  expect(isOver).toBe(false)
  other.yield()
  await ended
  place.yield()
  expect(places.isFree).toBe(true)
})

test('a download that begins anew is told from one that brings nothing', async () => {
  const { clock, places, end, ended, pace } = downloading()
  await clock.settle()
  pace().arrived(5_000_000)
  await clock.pass(10_000)
  for (let i = 1; i <= 5; i += 1) {
    pace().arrived(i * 150_000)
    await clock.pass(10_000)
  }
  expect(places.isFree).toBe(false)
  end()
  await ended
})

test('a wait between two tries is none of the download, before it is slow and after', async () => {
  const { clock, places, place, end, ended, pace } = downloading()
  await clock.settle()
  const first = pace().aside(() => clock.sleep(3_600_000))
  await clock.settle()
  expect(places.isFree).toBe(true)
  const other = places.enter()
  await clock.pass(3_600_000)
  other.yield()
  await first
  expect(places.isFree).toBe(false)
  await clock.pass(20_000)
  expect(places.isFree).toBe(true)
  const second = pace().aside(() => clock.sleep(60_000))
  await clock.pass(60_000)
  await second
  end()
  await ended
  place.yield()
  expect(places.isFree).toBe(true)
})

test('one that is stopped while others have its place leaves nothing behind', async () => {
  const stop = new AbortController()
  const { clock, places, place, end, ended } = downloading(stop.signal)
  await clock.pass(10_000)
  const other = places.enter()
  end()
  await clock.settle()
  stop.abort()
  await expect(ended).rejects.toThrow('abort')
  place.yield()
  expect(places.isFree).toBe(false)
  other.yield()
  expect(places.isFree).toBe(true)
})
