/** What one server does its own way: drawn for each history. */
import type { Random } from '../../src/demo/random.ts'

export interface Habits {
  /** What a resource says of its version. */
  readonly meta: 'both' | 'instant' | 'number' | 'none' | 'text-version'
  /** How fine `lastUpdated` is. */
  readonly instantMs: 1 | 1000
  /** Whether a resource that is created anew begins with version 1 again. */
  readonly restartsVersions: boolean
  /** Whether increments tell what was deleted. */
  readonly deletions: 'reported' | 'lost'
  /** Whether what was deleted and created anew is told as deleted too. */
  readonly tellsReturnedAsDeleted: boolean
  /** Undefined: the whole server is exported. */
  readonly group:
    { readonly newcomers: 'included' | 'patient' | 'group'; readonly leavers: 'keep' | 'remove' } | undefined
  /** Share of resources that come twice, in this version or an older one. */
  readonly twice: number
  /** Whether increments hold older versions of what did not change, of a node that lags behind. */
  readonly isStale: boolean
  /** Whether every text is written the same way each time. */
  readonly isPlainText: boolean
  readonly linesPerFileMax: number
  readonly bundleEntriesMax: number
  readonly hasCounts: boolean
  /** What a manifest's transactionTime is: when the export began, or when its last file was written. */
  readonly transactionTime: 'begin' | 'end'
  readonly overlapSeconds: number
  readonly downloads: number
  /** Ours: whether the raw log is compacted after each run that came to its end. */
  readonly isCompacted: boolean
}

export function drawHabits(random: Random): Habits {
  const meta = random.weighted<Habits['meta']>([
    [4, 'both'],
    [2, 'instant'],
    [1, 'number'],
    [2, 'none'],
    [1, 'text-version'],
  ])
  const group = random.chance(0.45)
    ? {
        newcomers: random.pick(['included', 'patient', 'group'] as const),
        leavers: random.chance(0.75) ? ('remove' as const) : ('keep' as const),
      }
    : undefined
  return {
    meta,
    instantMs: random.chance(0.3) ? 1000 : 1,
    restartsVersions: meta === 'both' && random.chance(0.3),
    deletions: random.chance(0.75) ? 'reported' : 'lost',
    tellsReturnedAsDeleted: random.chance(0.3),
    group,
    twice: random.chance(0.5) ? 0.3 : 0,
    isStale: meta === 'both' && random.chance(0.3),
    isPlainText: random.chance(0.4),
    linesPerFileMax: random.pick([1, 2, 5, 1000]),
    bundleEntriesMax: random.pick([1, 3, 100]),
    hasCounts: random.chance(0.5),
    transactionTime: random.chance(0.5) ? 'end' : 'begin',
    overlapSeconds: random.pick([0, 0, 300]),
    downloads: random.pick([1, 1, 3]),
    isCompacted: random.chance(0.4),
  }
}

/** How the same server would be at its plainest: what a first load is compared by. */
export function plain(habits: Habits): Habits {
  return {
    ...habits,
    twice: 0,
    isStale: false,
    isPlainText: true,
    linesPerFileMax: 1000,
    transactionTime: 'begin',
    hasCounts: true,
    tellsReturnedAsDeleted: false,
  }
}
