/**
 * After any history of a server and of our runs, crashes among them, the tables are what one full load would give.
 *
 * `STOKER_MODEL_SEED=123` plays the history of that seed alone; `STOKER_MODEL_HISTORIES=500` as many as that, from the
 * seed on, and takes its time.
 */
import { afterAll, expect, test } from 'vitest'
import { drawHistory } from './draw-history.ts'
import { words } from './history.ts'
import { kindsOf } from './kinds.ts'
import { endSpareChild } from './model-lake.ts'
import { playHistory } from './play-history.ts'
import { shrink } from './shrink.ts'

const { STOKER_MODEL_SEED: seed, STOKER_MODEL_HISTORIES: histories } = process.env
/**
 * Short histories that together have every kind of event and of server: a history is five runs and more, each of some 200
 * statements and a snapshot.
 */
const SUITE: readonly number[] = [8, 735, 1188, 2159, 3900, 5789, 5964]
/** As many histories as have every kind often. */
const MANY = 500
const FIRST_SEED = Number(seed ?? 1)
const SEEDS =
  seed === undefined && histories === undefined
    ? SUITE
    : Array.from({ length: Number(histories ?? 1) }, (_, place) => FIRST_SEED + place)
/** For making a history that fails shorter. */
const SHRINKING_MS = 60_000

afterAll(endSpareChild)

const kindsIn = (seeds: readonly number[]) =>
  new Set(seeds.flatMap((number) => [...kindsOf(drawHistory(String(number)))]))

test(`what ${MANY} histories have in them, kills and all, the few of the suite have as well`, () => {
  const few = kindsIn(SUITE)
  const left = [...kindsIn(Array.from({ length: MANY }, (_, place) => place + 1))].filter((kind) => !few.has(kind))
  expect(left).toEqual([])
})

test(
  `after each of ${SEEDS.length} histories, half of them with crashes, the tables equal one full load`,
  { timeout: SEEDS.length * 60_000 + SHRINKING_MS },
  async () => {
    const began = performance.now()
    const sums = { runs: 0, kills: 0 }
    for (const number of SEEDS) {
      const history = drawHistory(String(number))
      const { problems, runs, kills } = await playHistory(history)
      sums.runs += runs
      sums.kills += kills
      if (problems.length === 0) continue
      const fails = async (candidate: typeof history) => (await playHistory(candidate)).problems.length > 0
      const short = await shrink(history, fails, performance.now() + SHRINKING_MS)
      const { problems: left } = await playHistory(short)
      const again = `STOKER_MODEL_SEED=${number} npx vitest run --config test/vitest.config.ts test/model`
      expect.fail([`seed ${number}: again by ${again}`, ...problems, 'shortened:', words(short), ...left].join('\n'))
    }
    if (SEEDS === SUITE) expect(sums.kills).toBeGreaterThan(3)
    const seconds = ((performance.now() - began) / 1000).toFixed(1)
    process.stdout.write(`${SEEDS.length} histories, ${sums.runs} runs, ${sums.kills} kills in ${seconds} s\n`)
  },
)
