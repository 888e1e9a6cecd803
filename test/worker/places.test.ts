import { expect, test } from 'vitest'
import { Places, type Place } from '../../src/worker/places.ts'

const { signal } = new AbortController()
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Work that lasts until it is told to end. */
function held(place: Place, told: string[], name: string, until: AbortSignal = signal) {
  let end!: () => void
  const over = new Promise<void>((resolve) => (end = resolve))
  const work = async () => {
    told.push(name)
    await over
  }
  return { end, ended: place.during(until, work, () => told.push(`${name} waits`)) }
}

function entered(atOnce: number, count: number) {
  const places = new Places(atOnce)
  return { places, all: Array.from({ length: count }, () => places.enter()) }
}

test('a run has the place that it began with until it first waits, and whatever of it goes on at once takes one', async () => {
  const { places, all } = entered(1, 1)
  const [a] = all as [Place]
  expect(places.isFree).toBe(false)
  const told: string[] = []
  const works = [held(a, told, 'one'), held(a, told, 'two')]
  await turn()
  expect(told).toEqual(['one', 'two'])
  a.yield()
  a.yield()
  works[0]!.end()
  await turn()
  expect(places.isFree).toBe(false)
  works[1]!.end()
  await Promise.all(works.map(({ ended }) => ended))
  expect(places.isFree).toBe(true)
})

test('who waits for a place has it in the order of asking, and is told of it once', async () => {
  const { all } = entered(1, 3)
  const [a, b, c] = all as [Place, Place, Place]
  const told: string[] = []
  a.yield()
  b.yield()
  c.yield()
  const first = held(a, told, 'a')
  const second = [held(b, told, 'b1'), held(b, told, 'b2')]
  const third = held(c, told, 'c')
  await turn()
  expect(told).toEqual(['b1 waits', 'c waits', 'a'])
  first.end()
  await turn()
  expect(told.slice(3)).toEqual(['b1', 'b2'])
  for (const { end } of second) end()
  await turn()
  expect(told.slice(5)).toEqual(['c'])
  third.end()
  await third.ended
})

test('work that waits for its server lets others have the place, and goes on when it is free again', async () => {
  const { all, places } = entered(1, 2)
  const [a, b] = all as [Place, Place]
  b.yield()
  const told: string[] = []
  let answer!: () => void
  const answered = new Promise<void>((resolve) => (answer = resolve))
  const download = a.during(signal, async () => {
    await a.aside(signal, () => answered)
    told.push('a goes on')
  })
  const other = held(b, told, 'b')
  await turn()
  expect(told).toEqual(['b waits', 'b'])
  answer()
  await turn()
  expect(told).toHaveLength(2)
  other.end()
  await download
  expect(told.slice(2)).toEqual(['a goes on'])
  expect(places.isFree).toBe(true)
})

test('who gives up, in the line or while it waits for its server, leaves nothing behind', async () => {
  const { all, places } = entered(1, 2)
  const [a, b] = all as [Place, Place]
  const stop = new AbortController()
  const told: string[] = []
  a.yield()
  b.yield()
  const asleep = () =>
    new Promise<void>((_resolve, reject) =>
      stop.signal.addEventListener('abort', () => reject(stop.signal.reason as Error)),
    )
  const download = a.during(stop.signal, () => a.aside(stop.signal, asleep))
  const working = held(b, told, 'b')
  await turn()
  const late = held(a, told, 'late', stop.signal)
  await turn()
  stop.abort()
  await expect(download).rejects.toThrow('abort')
  await expect(late.ended).rejects.toThrow('abort')
  working.end()
  await working.ended
  expect(told).toEqual(['b waits', 'b', 'late waits'])
  expect(places.isFree).toBe(true)
})

test('fewer places take none away, and more are given at once', async () => {
  const { all, places } = entered(2, 3)
  const told: string[] = []
  const works = all.map((place, i) => held(place, told, String(i)))
  await turn()
  expect(told).toEqual(['0', '1'])
  places.resize(1)
  all[0]!.yield()
  works[0]!.end()
  await turn()
  expect(told).toEqual(['0', '1'])
  places.resize(2)
  await turn()
  expect(told).toEqual(['0', '1', '2'])
  for (const { end } of works) end()
  await Promise.all(works.map(({ ended }) => ended))
})
