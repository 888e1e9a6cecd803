/** When all is well, and when it is not: a source in a word. */
import { expect, test } from 'vitest'
import type { SourceGlance } from '../../src/http/page/source-glance.ts'
import { standingOf } from '../../src/http/page/standing.ts'
import type { RunProgress, SourceState } from '../../src/service/control.ts'

const NOW = new Date('2026-11-21T12:00:00Z')
const hoursAgo = (hours: number) => new Date(NOW.getTime() - hours * 3_600_000)

const PROGRESS: RunProgress = {
  ...{ run: 7, mode: 'incremental', resumed: true, startedAt: NOW, step: 'asking', stepAt: NOW },
  ...{ files: undefined, bytes: 0, lines: 0, resources: 0, rejects: 0, percentDone: undefined, tables: undefined },
  delayed: undefined,
}

const ERROR = { ...{ at: NOW, run: 7, code: 'BULK_UNREACHABLE', message: 'refused', hint: undefined, times: 1 } }

function glance(state: Partial<SourceState>, more: Partial<SourceGlance> = {}): SourceGlance {
  return {
    ...{ name: 'clinic', newest: hoursAgo(1), types: [], remarks: [], held: [], lastRun: undefined, tookMs: 60_000 },
    failure: undefined,
    ...more,
    state: {
      ...{ name: 'clinic', activity: 'idle', schedule: { cron: '0 2 * * *', timeZone: 'UTC' }, failures: 0 },
      ...{ nextAt: undefined, retryAt: undefined, error: undefined, progress: undefined },
      ...state,
    },
  }
}

const told = (each: SourceGlance) => {
  const { sign, word, trouble } = standingOf(each, NOW)
  return [sign, word, trouble]
}

test('a run that goes on after an error, or waits because a call failed, is tried again, and not well', () => {
  expect(told(glance({ activity: 'running', progress: PROGRESS }))).toEqual(['run', 'running', undefined])
  const again = ['warn', 'trying again', 'again']
  expect(told(glance({ activity: 'running', progress: PROGRESS }, { failure: ERROR }))).toEqual(again)
  // Its time is over, and nothing came of the try yet.
  const delayed = { code: 'BULK_UNREACHABLE', untilAt: hoursAgo(0.01) }
  expect(told(glance({ activity: 'running', progress: { ...PROGRESS, delayed } }))).toEqual(again)
  expect(told(glance({ activity: 'running', progress: PROGRESS, failures: 1 }))).toEqual(again)
  expect(told(glance({ activity: 'backing-off', failures: 1 }, { failure: ERROR }))).toEqual(again)
})

test('what failed time and again is to be looked at, though it is tried again', () => {
  expect(told(glance({ activity: 'backing-off', failures: 5 }, { failure: { ...ERROR, times: 5 } }))).toEqual([
    'bad',
    'failing, tries again',
    'look',
  ])
})

test('data is late when a whole time of its schedule was passed over, and twice what a run takes', () => {
  const well = ['ok', 'up to date', undefined]
  const late = ['warn', 'late', 'look']
  // Due at 02:00 on the 20th, and on the 21st.
  expect(told(glance({}, { newest: hoursAgo(33) }))).toEqual(well)
  expect(told(glance({}, { newest: hoursAgo(35) }))).toEqual(late)
  expect(told(glance({}, { newest: hoursAgo(35), tookMs: 6 * 3_600_000 }))).toEqual(well)
  expect(told(glance({ schedule: undefined }, { newest: hoursAgo(1000) }))).toEqual(well)
})
