import { describe, expect, test } from 'vitest'
import type { RunProgress, RunStep } from '../../src/service/control.ts'
import { foldRun, type RunFold } from '../../src/service/run-progress.ts'
import type { RunEvent, RunEventBody } from '../../src/worker/events.ts'

const at = (seconds: number) => new Date(Date.parse('2026-11-21T10:00:00.000Z') + seconds * 1000)

const ENTRIES = { output: 2, deleted: 0, error: 0 }
const OF = { export: 1, of: { kind: 'output', type: 'Patient', url: 'http://a.example/1' } } as const
const ASKED = { url: 'http://a.example/$export', parameters: {} }

const EVENTS: Readonly<Record<RunEvent['kind'], RunEventBody>> = {
  started: { kind: 'started', mode: 'full', resumed: false },
  requested: { kind: 'requested', purpose: 'load', types: ['Patient'], since: undefined, export: 1, ...ASKED },
  waiting: { kind: 'waiting', percentDone: 50, waitedMs: 1, export: 1, retryAfterMs: undefined },
  delayed: { kind: 'delayed', step: 'status', code: 'BULK_BUSY', status: 503, ms: 60_000 },
  listed: { kind: 'listed', files: 2, lines: 9, export: 1, transactionTime: at(0), entries: ENTRIES },
  gathering: { kind: 'gathering', files: 2, before: 1 },
  fetching: { kind: 'fetching', file: 1, type: 'Patient', bytes: 100, lines: 3, claimed: undefined },
  landed: { kind: 'landed', ...OF, file: 1, type: 'Patient', bytes: 200, resources: 5, rejects: 1 },
  lost: { kind: 'lost', file: 2, type: 'Patient', text: 'gone' },
  merging: { kind: 'merging', table: 'patient', done: 3, of: 9 },
  committed: { kind: 'committed', inserted: 1, updated: 0, deleted: 0 },
  publishing: { kind: 'publishing' },
  published: { kind: 'published', snapshot: 4, tables: 9, carriedOver: 2 },
  finding: { kind: 'finding', code: 'FORM', count: 1, type: 'Patient' },
  note: { kind: 'note', text: 'something' },
  failed: { kind: 'failed', code: 'BULK_BUSY', message: 'busy' },
  complete: { kind: 'complete', export: 1, transactionTime: at(0), entries: ENTRIES, pages: 1 },
  refused: { kind: 'refused', export: 1, step: 'status', code: 'BULK_BUSY', status: 503, text: 'busy', asked: ASKED },
  downloading: { kind: 'downloading', file: 1, ...OF },
  downloaded: { kind: 'downloaded', file: 1, bytes: 200, lines: 6 },
  interrupted: { kind: 'interrupted', file: 1, ...OF, code: 'BULK_BUSY', status: 503, text: 'busy' },
  gathered: { kind: 'gathered', export: 1, files: 2, resources: 5, bytes: 200, ms: 1 },
  queued: { kind: 'queued' },
  cancelled: { kind: 'cancelled' },
  done: { kind: 'done', snapshot: 4 },
}
const KINDS = Object.keys(EVENTS) as RunEvent['kind'][]

/** What brings a run to each step, with files on their way once it has listed them. */
const WAYS: Readonly<Record<RunStep, readonly RunEvent['kind'][]>> = {
  asking: ['started'],
  waiting: ['started', 'requested'],
  gathering: ['started', 'requested', 'gathering'],
  merging: ['started', 'requested', 'gathering', 'landed', 'lost', 'merging'],
  publishing: ['started', 'publishing'],
}

/** The step after each event, in the order of KINDS: its first letter. */
const STEPS: Readonly<Record<RunStep, string>> = {
  //           st re wa de li ga fe la lo me co pu pd fi no fa cm rf di dd in ga qu cn do
  asking: '    a  w  w  a  a  g  a  a  a  m  a  p  a  a  a  a  a  a  a  a  a  a  a  a  a',
  waiting: '   a  w  w  w  w  g  w  w  w  m  w  p  w  w  w  w  w  w  w  w  w  w  w  w  w',
  gathering: ' a  g  g  g  g  g  g  g  g  m  g  p  g  g  g  g  g  g  g  g  g  g  g  g  g',
  merging: '   a  w  w  m  m  g  m  m  m  m  m  p  m  m  m  m  m  m  m  m  m  m  m  m  m',
  publishing: 'a  w  w  p  p  g  p  p  p  m  p  p  p  p  p  p  p  p  p  p  p  p  p  p  p',
}

function told(kinds: readonly RunEvent['kind'][], run = 7): RunFold | undefined {
  return fold(
    kinds.map((kind) => EVENTS[kind]),
    run,
  )
}

function fold(events: readonly RunEventBody[], run = 7): RunFold | undefined {
  return events.reduce<RunFold | undefined>(
    (held, event, i) => foldRun(held, { source: 's', run, ...event }, at(i)),
    undefined,
  )
}

const CELLS = (Object.keys(WAYS) as RunStep[]).flatMap((from) => {
  const letters = STEPS[from].trim().split(/ +/)
  expect(letters).toHaveLength(KINDS.length)
  return KINDS.map((kind, i) => [from, kind, letters[i]!] as const)
})

describe('every step of a run knows every event', () => {
  test.each(CELLS)('%s, told %s, is at the step %s…', (from, kind, letter) => {
    const before = told(WAYS[from])!
    expect(before.progress.step).toBe(from)
    const { progress } = foldRun(before, { source: 's', run: 7, ...EVENTS[kind] }, at(99))!
    expect(progress.step[0]).toBe(letter)
    expect(progress.stepAt).toEqual(progress.step === from && kind !== 'started' ? before.progress.stepAt : at(99))
  })

  test.each(KINDS.filter((kind) => kind !== 'started'))('before a run has started, %s tells nothing', (kind) => {
    expect(told([kind])).toBeUndefined()
  })

  test.each(KINDS.filter((kind) => kind !== 'started'))('%s of another run changes nothing', (kind) => {
    const held = told(WAYS.gathering)
    expect(foldRun(held, { source: 's', run: 8, ...EVENTS[kind] }, at(99))).toBe(held)
  })
})

describe('the counts of a run', () => {
  const counts = ({ files, bytes, lines, resources, rejects }: RunProgress) => [files, bytes, lines, resources, rejects]

  test('are of files that landed and of those on their way, each once', () => {
    const { fetching, landed, lost } = EVENTS as { [K in RunEvent['kind']]: RunEventBody & { kind: K } }
    const way = [
      EVENTS.started,
      EVENTS.gathering,
      fetching,
      { ...fetching, bytes: 150, lines: 4 },
      { ...fetching, file: 2, bytes: 30, lines: 1 },
    ]
    expect(counts(fold(way)!.progress)).toEqual([{ landed: 1, lost: 0, of: 3 }, 180, 5, 0, 0])
    expect(counts(fold([...way, landed])!.progress)).toEqual([{ landed: 2, lost: 0, of: 3 }, 230, 5, 5, 1])
    expect(counts(fold([...way, landed, lost])!.progress)).toEqual([{ landed: 2, lost: 1, of: 3 }, 200, 4, 5, 1])
    expect(fold([...way, landed, lost])!.underWay.size).toBe(0)
  })

  test('grow with every page of a manifest', () => {
    expect(told(['started', 'gathering', 'gathering'])!.progress.files).toEqual({ landed: 2, lost: 0, of: 6 })
  })

  test('begin anew with the next run', () => {
    expect(told(['started', 'gathering', 'fetching', 'landed', 'started'])!.progress).toMatchObject({
      ...{ step: 'asking', files: undefined, bytes: 0, lines: 0, resources: 0, rejects: 0, tables: undefined },
    })
  })
})

describe('what else is shown of a run', () => {
  test('how far the server is, as it said last', () => {
    const { waiting } = EVENTS as { [K in RunEvent['kind']]: RunEventBody & { kind: K } }
    const after = (...said: (number | undefined)[]) =>
      fold([EVENTS.started, ...said.map((percentDone) => ({ ...waiting, percentDone }))])!.progress.percentDone
    expect([after(), after(40), after(40, 42.9), after(40, undefined)]).toEqual([undefined, 40, 42.9, undefined])
  })

  test('a delay is shown until it is over', () => {
    const delayed = told(['started', 'delayed'])!
    expect(delayed.progress.delayed).toEqual({ code: 'BULK_BUSY', untilAt: at(61) })
    const note = { source: 's', run: 7, ...EVENTS.note }
    expect(foldRun(delayed, note, at(60))!.progress.delayed).toBeDefined()
    expect(foldRun(delayed, note, at(61))!.progress.delayed).toBeUndefined()
  })

  test('the tables of a merge are counted, and gone when it is over', () => {
    expect(told(['started', 'merging'])!.progress.tables).toEqual({ done: 3, of: 9, now: 'patient' })
    expect(told(['started', 'merging', 'publishing'])!.progress.tables).toBeUndefined()
  })
})
