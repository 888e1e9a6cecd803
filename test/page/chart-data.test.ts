/** What the charts draw, and how ages are told. */
import { expect, test } from 'vitest'
import type { RunPoint } from '../../src/http/history.ts'
import { chartsOf } from '../../src/http/page/chart-data.ts'
import { dataBlock } from '../../src/http/page/charts-page.ts'
import { ageText, relativeText } from '../../src/http/page/moment.ts'
import { prose } from '../../src/http/page/prose.ts'

const T0 = Date.parse('2026-11-21T10:00:00Z')
const at = (minutes: number) => new Date(T0 + minutes * 60_000)

function run(number: number, source: string, committed: number | null, more: Partial<RunPoint> = {}): RunPoint {
  return {
    ...{ source, run: number, mode: 'incremental', state: 'done', started_at: at((committed ?? 0) - 1), seconds: 60 },
    ...{ files: 1, bytes: 1000, rejects: 0, inserted: 1, updated: 2, deleted: 3, error_code: null },
    committed_at: committed === null ? null : at(committed),
    data_as_of: committed === null ? null : at(committed - 1),
    age_seconds: committed === null ? null : 60,
    age_before_seconds: null,
    ...more,
  }
}

test('the age of the newest data grows until a run commits, falls to that of what it brought, and grows until now', () => {
  const [freshness] = chartsOf({
    to: at(30),
    snapshots: [],
    runs: [run(1, 'a', 0), run(2, 'a', 10, { age_before_seconds: 660 })],
  })
  expect(freshness!.x).toEqual([T0 / 1000, (T0 + 600_000 - 1) / 1000, (T0 + 600_000) / 1000, (T0 + 1_800_000) / 1000])
  expect(freshness!.y).toEqual([[60_000, 660_000, 60_000, 1_260_000]])
})

test('sources share an axis, each with its own points, and a run that did not commit has none', () => {
  const charts = chartsOf({ to: at(30), snapshots: [], runs: [run(1, 'b', 0), run(2, 'a', 5), run(3, 'a', null)] })
  const changed = charts.find(({ id }) => id === 'changed')!
  expect([changed.names, changed.y]).toEqual([
    ['a', 'b'],
    [
      [null, 6],
      [6, null],
    ],
  ])
})

test('rows stand from one snapshot to the next, and the last of them until now', () => {
  const snapshot = { snapshot: 1, published_at: at(5), tables: 1, rows: 7, bytes: 1 }
  const rows = chartsOf({ to: at(30), snapshots: [snapshot], runs: [] }).find(({ id }) => id === 'rows')!
  expect([rows.x, rows.y]).toEqual([[at(5).getTime() / 1000, at(30).getTime() / 1000], [[7, 7]]])
})

test('without a run there is nothing to draw', () => {
  expect(chartsOf({ to: at(0), snapshots: [], runs: [] })).toEqual([])
})

test('data in a page can not end the element it stands in', async () => {
  const text = String(await dataBlock('x', [{ name: '</script><script>alert(1)</script>' }]))
  expect(text.match(/<\/?script/g)).toEqual(['<script', '</script'])
  expect(JSON.parse(/>(.*)</s.exec(text)![1]!)).toEqual([{ name: '</script><script>alert(1)</script>' }])
})

test('ages have one unit, and are rounded down', () => {
  const texts = [0, 59_999, 60_000, 3_599_999, 3_600_000, 172_799_999, 172_800_000, -5].map(ageText)
  expect(texts).toEqual(['0 s', '59 s', '1 min', '59 min', '1 h', '47 h', '2 d', '0 s'])
  expect([relativeText(at(5), at(0)), relativeText(at(0), at(5))]).toEqual(['in 5 min', '5 min ago'])
})

test('what stands between backticks is code, and one that has no partner stays', async () => {
  expect(String(await prose('a `<b>` c'))).toBe('a <code>&lt;b&gt;</code> c')
  expect(String(await prose('a ` c'))).toBe('a ` c')
  expect(prose('')).toBeUndefined()
})
