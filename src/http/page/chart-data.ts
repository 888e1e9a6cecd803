/** Series as the chart module draws them: x in seconds since 1970, one list of values a series, null where it has none. */
import type { HistoryPoint, RunHistory } from './run-history.ts'

export interface Chart {
  readonly id: string
  readonly title: string
  /** What a value is: a count, bytes, or milliseconds. */
  readonly unit: 'count' | 'bytes' | 'ms'
  /** Lines go on from one point to the next, or stand until the next. */
  readonly shape: 'points' | 'line' | 'steps'
  readonly names: readonly string[]
  readonly x: readonly number[]
  readonly y: readonly (readonly (number | null)[])[]
}

/** Charts without a point are left out. */
export function chartsOf({ runs, snapshots }: RunHistory, now: Date): Chart[] {
  const sources = [...new Set(runs.map(({ source }) => source))].sort()
  const perRun = (id: string, title: string, unit: Chart['unit'], value: (run: HistoryPoint) => number): Chart => ({
    id,
    title,
    unit,
    shape: 'points',
    ...joined(
      sources.map((name) => ({
        name,
        points: ofSource(runs, name).map((run) => [run.committed_at.getTime(), value(run)]),
      })),
    ),
  })
  return [
    {
      id: 'freshness',
      title: 'How old the newest data was',
      unit: 'ms' as const,
      shape: 'line' as const,
      ...joined(sources.map((name) => ({ name, points: agesOf(ofSource(runs, name), now) }))),
    },
    perRun('changed', 'Resources changed by a run', 'count', ({ changed }) => changed),
    perRun('bytes', 'Bytes received by a run', 'bytes', ({ bytes }) => bytes),
    perRun('duration', 'How long a run took', 'ms', ({ took_ms }) => took_ms),
    {
      id: 'rows',
      title: 'Rows of all tables, as published',
      unit: 'count' as const,
      shape: 'steps' as const,
      ...joined([{ name: 'rows', points: snapshots.map(({ published_at, rows }) => [published_at.getTime(), rows]) }]),
    },
  ].filter(({ x }) => x.length > 0)
}

function ofSource(runs: readonly HistoryPoint[], name: string): HistoryPoint[] {
  return runs.filter(({ source }) => source === name)
}

/** It grows until a run commits, and falls then to the age of what the run brought. */
export function agesOf(runs: readonly HistoryPoint[], now: Date): number[][] {
  let asOf: number | undefined
  const points: number[][] = []
  for (const { committed_at, as_of } of runs) {
    const at = committed_at.getTime()
    if (asOf !== undefined) points.push([at - 1, Math.max(0, at - 1 - asOf)])
    if (as_of !== null) asOf = Math.max(asOf ?? 0, as_of.getTime())
    if (asOf !== undefined) points.push([at, Math.max(0, at - asOf)])
  }
  if (asOf !== undefined) points.push([now.getTime(), Math.max(0, now.getTime() - asOf)])
  return points
}

/** Series over one common axis. Points as [milliseconds, value]. */
function joined(
  series: readonly { readonly name: string; readonly points: readonly (readonly number[])[] }[],
): Pick<Chart, 'names' | 'x' | 'y'> {
  const times = [...new Set(series.flatMap(({ points }) => points.map(([at]) => at!)))].sort((a, b) => a - b)
  const place = new Map(times.map((at, i) => [at, i]))
  const y = series.map(({ points }) => {
    const values: (number | null)[] = times.map(() => null)
    for (const [at, value] of points) values[place.get(at!)!] = value!
    return values
  })
  return { names: series.map(({ name }) => name), x: times.map((at) => at / 1000), y }
}
