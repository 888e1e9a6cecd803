/**
 * After any history of a server and of our runs, crashes among them, the tables are what one full load would give.
 *
 * `STOKER_MODEL_SEED=123` plays the history of that seed alone; `STOKER_MODEL_HISTORIES=500` as many as that, from the
 * seed on, and takes its time.
 */
import { afterAll, expect, test } from 'vitest'
import { drawHistory } from './draw-history.ts'
import { words } from './history.ts'
import { endSpareChild } from './model-lake.ts'
import { playHistory } from './play-history.ts'
import { shrink } from './shrink.ts'

const { STOKER_MODEL_SEED: seed, STOKER_MODEL_HISTORIES: histories } = process.env
/** About 25 s on a core of its own; a history is five runs and more, each of some 200 statements and a snapshot. */
const HISTORIES_IN_THE_SUITE = 14
const FIRST_SEED = Number(seed ?? 1)
const HISTORIES = Number(histories ?? (seed === undefined ? HISTORIES_IN_THE_SUITE : 1))
/** For making a history that fails shorter. */
const SHRINKING_MS = 60_000

afterAll(endSpareChild)

test(
  `after each of ${HISTORIES} histories from seed ${FIRST_SEED} on, half of them with crashes, the tables equal one full load`,
  { timeout: HISTORIES * 30_000 + SHRINKING_MS },
  async () => {
    const began = performance.now()
    const sums = { runs: 0, kills: 0 }
    for (let number = FIRST_SEED; number < FIRST_SEED + HISTORIES; number += 1) {
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
    const seconds = ((performance.now() - began) / 1000).toFixed(1)
    process.stdout.write(`${HISTORIES} histories, ${sums.runs} runs, ${sums.kills} kills in ${seconds} s\n`)
  },
)
