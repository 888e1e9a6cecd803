import { describe, expect, test } from 'vitest'
import type { ExportRecord } from '../../src/ledger/exports.ts'
import type { FileRecord } from '../../src/ledger/files.ts'
import { historiesHeld, holdings, overtaken, safeWatermark } from '../../src/worker/holdings.ts'

const at = (text: string) => new Date(`2026-01-01T${text}Z`)
const anExport = (number: number, types: string[], facts: Partial<ExportRecord> = {}): ExportRecord => ({
  export: number,
  run: 1,
  purpose: 'load',
  types,
  since: null,
  whole: true,
  request: {},
  filters: {},
  state: 'ready',
  request_url: null,
  status_url: null,
  server_date: null,
  requested_at: null,
  ready_at: null,
  transaction_time: at('12:00:00'),
  requires_token: false,
  etag: null,
  ...facts,
})
const aFile = (facts: Partial<FileRecord>): FileRecord => ({
  file: 1,
  export: 1,
  run: 1,
  ordinal: 0,
  kind: 'output',
  type: 'Patient',
  url: '',
  state: 'landed',
  claimed: null,
  bytes: 1,
  lines: 1,
  blanks: 0,
  longest_line_bytes: 1,
  bom: false,
  sha256: '',
  resources: 1,
  rejects: 0,
  headers: 0,
  kept: null,
  damaged: 0,
  dated: null,
  raw_path: '',
  note: null,
  ...facts,
})
const held = (file: Partial<FileRecord>, severities: string[] = [], counts: 'right' | 'unreliable' = 'right') => [
  ...holdings(
    [anExport(1, ['Patient', 'Condition']), anExport(2, ['Claim'])],
    [aFile(file)],
    new Map([[1, new Set(severities)]]),
    counts,
  ).keys(),
]

test('a server whose clock is behind the instant it was asked since holds the types, which are asked for wholly next time', () => {
  const asked = (since: string | null, facts: Partial<ExportRecord> = {}) =>
    anExport(1, ['Patient'], { whole: false, since, ...facts })
  expect(overtaken([asked('2026-01-01T12:00:01Z')])).toEqual(['Patient'])
  expect([...holdings([asked('2026-01-01T12:00:01Z')], [], new Map(), 'right').keys()]).toEqual(['Patient'])
  expect(overtaken([asked('2026-01-01T12:00:01Z', { server_date: at('11:00:00') })])).toEqual(['Patient'])
  for (const fine of [
    asked('2026-01-01T12:00:00Z'),
    asked(null),
    asked('2100-01-01T00:00:00Z', { whole: true }),
    asked('2100-01-01T00:00:00Z', { purpose: 'newcomers' }),
  ]) {
    expect(overtaken([fine])).toEqual([])
  }
})

test('a lost history of patients who joined is said of its types, though it moves no watermark', () => {
  const exports = [anExport(1, ['Patient']), anExport(2, ['Condition'], { purpose: 'newcomers' })]
  const lost = aFile({ export: 2, type: 'Condition', state: 'failed', note: 'gone' })
  const said = historiesHeld(exports, (records) => holdings(records, [lost], new Map(), 'right'))
  expect([...said]).toEqual([['Condition', expect.stringMatching(/those who joined: .*gone/)]])
})

describe('a watermark is held', () => {
  test('of the type of a lost file, alone', () => {
    expect(held({ state: 'failed' })).toEqual(['Patient'])
  })
  test('of all types of the export when a lost file names none, or is one of deletions', () => {
    expect(held({ state: 'failed', type: null })).toEqual(['Patient', 'Condition'])
    expect(held({ state: 'failed', kind: 'deleted' })).toEqual(['Patient', 'Condition'])
  })
  test('of all types of the export when the server reports an error, not when it only informs or warns', () => {
    expect(held({ kind: 'error' }, ['error'])).toEqual(['Patient', 'Condition'])
    expect(held({ kind: 'error' }, ['warning', 'fatal'])).toEqual(['Patient', 'Condition'])
    expect(held({ kind: 'error' }, ['information', 'warning'])).toEqual([])
  })
  test('of all types of the export when deletions can not be read', () => {
    expect(held({ kind: 'deleted', type: 'Bundle', rejects: 1 })).toEqual(['Patient', 'Condition'])
  })
  test('of a type whose file ends in the middle of a line', () => {
    expect(held({ resources: 5, rejects: 1, damaged: 1 })).toEqual(['Patient'])
  })
  test('of a type whose file holds nothing usable, not of one with a reject among others', () => {
    expect(held({ resources: 0, rejects: 1 })).toEqual(['Patient'])
    expect(held({ resources: 5, rejects: 1 })).toEqual([])
    expect(held({ resources: 0, rejects: 0 })).toEqual([])
  })
  test('of a type whose file has fewer resources than announced, where the server can count', () => {
    expect(held({ claimed: 3, resources: 2 })).toEqual(['Patient'])
    expect(held({ claimed: 3, resources: 2, rejects: 1 })).toEqual([])
    expect(held({ claimed: 1, resources: 2 })).toEqual([])
    expect(held({ claimed: 3, resources: 2 }, [], 'unreliable')).toEqual([])
    expect(held({ kind: 'error', claimed: 300, resources: 1 })).toEqual([])
  })
})

test("the safe watermark is the earlier of transactionTime and the server's clock at kick-off", () => {
  expect(safeWatermark(anExport(1, []))).toEqual(at('12:00:00'))
  expect(safeWatermark(anExport(1, [], { server_date: at('11:00:00') }))).toEqual(at('11:00:00'))
  expect(safeWatermark(anExport(1, [], { server_date: at('13:00:00') }))).toEqual(at('12:00:00'))
})
