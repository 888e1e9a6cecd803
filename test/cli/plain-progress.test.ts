/** Progress as lines: what is numbered, and what is told while nothing lands. */
import { expect, test } from 'vitest'
import { delayText } from '../../src/worker/delay-text.ts'
import { plainProgress } from '../../src/cli/plain-progress.ts'
import type { RunEventBody } from '../../src/worker/events.ts'

/** Lines told of these events, each `everyMs` after the one before. */
function told(events: readonly RunEventBody[], everyMs = 100): string[] {
  const lines: string[] = []
  let ms = 0
  const observe = plainProgress(
    (text) => lines.push(text.replace('s run 1: ', '').trimEnd()),
    () => ms,
  )
  for (const event of events) {
    observe({ source: 's', run: 1, ...event })
    ms += everyMs
  }
  return lines
}

const landed = (file: number): RunEventBody => ({
  ...{ kind: 'landed', file, type: 'Patient', bytes: 1, resources: 1, rejects: 0 },
  ...{ export: 1, of: { kind: 'output', type: 'Patient', url: 'https://fhir.example.org/patients' } },
})
const places = (lines: readonly string[]) => lines.flatMap((line) => /\(file (.*)\)/.exec(line)?.[1] ?? [])

test('files of several exports are numbered through, and the last one is the last', () => {
  const lines = told([
    { kind: 'gathering', files: 1, before: 0 },
    landed(1),
    {
      ...{ kind: 'listed', files: 2, lines: undefined, export: 1, transactionTime: new Date(0) },
      entries: { output: 2, deleted: 0, error: 0 },
    },
    { kind: 'gathering', files: 2, before: 0 },
    landed(2),
    landed(3),
  ])
  expect(places(lines)).toEqual(['1 of 1', '2 of 3', '3 of 3'])
})

test('files that landed before an interruption are told, and counted', () => {
  const lines = told([{ kind: 'gathering', files: 2, before: 3 }, landed(4), landed(5)])
  expect(lines[0]).toBe('of 5 files that the server had listed, 3 were done before the interruption, 2 are left')
  expect(places(lines)).toEqual(['4 of 5', '5 of 5'])
})

test('a file that could not be had is told with its number, and is one less to wait for', () => {
  const lost: RunEventBody = { kind: 'lost', file: 7, type: 'Condition', text: 'the server refused the download (404)' }
  const lines = told([{ kind: 'gathering', files: 2, before: 0 }, lost, landed(8)])
  expect(lines[0]).toBe(
    'note: file 7 (Condition) could not be had: the server refused the download (404) (file 1 of 2)',
  )
  expect(places(lines)).toEqual(['1 of 2', '2 of 2'])
})

test('a merge is told when it begins, and then every few seconds', () => {
  const merging = (table: string | undefined, done: number): RunEventBody => ({ kind: 'merging', table, done, of: 3 })
  const tables = ['a', 'b', 'c'].map(merging)
  expect(told([merging(undefined, 0), ...tables, { kind: 'publishing' }], 2000)).toEqual([
    'merging into 3 tables …',
    'merging: b, table 2 of 3',
    'publishing …',
  ])
})

test.each([
  [{ code: 'BULK_BUSY', status: 503 }, 'the server is busy, or asks for fewer calls (503): next try in 6.2 s'],
  [
    { code: 'BULK_BUSY', status: 404, file: 12, type: 'Observation' },
    'file 12 (Observation): the server does not give it now, and says that it may later (404): next try in 6.2 s',
  ],
  [
    { code: 'BULK_UNREACHABLE', status: undefined, file: 12, type: 'Observation' },
    'file 12 (Observation): the server is out of reach: next try in 6.2 s',
  ],
])('a wait says what for, and what was answered', (delay, text) => {
  expect(delayText({ ...delay, ms: 6200 })).toBe(text)
})
