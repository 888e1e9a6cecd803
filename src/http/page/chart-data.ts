/** Series as the chart module draws them: x in seconds since 1970, one list of values a series, null where it has none. */
import type { History, RunPoint } from '../history.ts'

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

/** Charts without a point are left out. A run that did not commit is in none of them. */
export function chartsOf({ runs, snapshots, to }: Pick<History, 'runs' | 'snapshots' | 'to'>): Chart[] {
  const committed = runs.filter(isCommitted).sort((a, b) => a.committed_at.getTime() - b.committed_at.getTime())
  const sources = [...new Set(committed.map(({ source }) => source))].sort()
  const ofSource = (name: string) => committed.filter(({ source }) => source === name)
  const perRun = (id: string, title: string, unit: Chart['unit'], value: (run: CommittedRun) => number): Chart => ({
    id,
    title,
    unit,
    shape: 'points',
    ...joined(
      sources.map((name) => ({ name, points: ofSource(name).map((run) => [run.committed_at.getTime(), value(run)]) })),
    ),
  })
  return [
    {
      id: 'freshness',
      title: 'How old the newest data was',
      unit: 'ms' as const,
      shape: 'line' as const,
      ...joined(sources.map((name) => ({ name, points: agesOf(ofSource(name), to) }))),
    },
    perRun('changed', 'Resources changed by a run', 'count', changedBy),
    perRun('bytes', 'Bytes received by a run', 'bytes', ({ bytes }) => bytes),
    perRun('duration', 'How long a run took', 'ms', ({ seconds }) => (seconds ?? 0) * 1000),
    {
      id: 'rows',
      title: 'Rows of all tables, as published',
      unit: 'count' as const,
      shape: 'steps' as const,
      ...joined([
        {
          name: 'rows',
          points: untilNow(
            snapshots.map(({ published_at, rows }) => [published_at.getTime(), rows]),
            to,
          ),
        },
      ]),
    },
  ].filter(({ x }) => x.length > 0)
}

export interface CommittedRun extends RunPoint {
  readonly committed_at: Date
}

export function isCommitted(run: RunPoint): run is CommittedRun {
  return run.committed_at !== null
}

export function changedBy({ inserted, updated, deleted }: RunPoint): number {
  return inserted + updated + deleted
}

/** It grows until a run commits, and falls then to the age of what the run brought. In milliseconds, as [when, age]. */
function agesOf(runs: readonly CommittedRun[], now: Date): number[][] {
  const points: number[][] = []
  let asOf: number | undefined
  for (const { committed_at, data_as_of, age_seconds, age_before_seconds } of runs) {
    const at = committed_at.getTime()
    if (age_before_seconds !== null) points.push([at - 1, Math.max(0, age_before_seconds * 1000)])
    if (age_seconds !== null) points.push([at, Math.max(0, age_seconds * 1000)])
    asOf = data_as_of?.getTime() ?? asOf
  }
  if (asOf !== undefined) points.push([now.getTime(), Math.max(0, now.getTime() - asOf)])
  return points
}

/** What stands until the next of its kind, stands now. Points as [milliseconds, value], the oldest first. */
export function untilNow(points: readonly (readonly number[])[], now: Date): (readonly number[])[] {
  const last = points.at(-1)
  return last === undefined ? [] : [...points, [Math.max(last[0]!, now.getTime()), last[1]!]]
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
