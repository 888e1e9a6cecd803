/** The opening of a run: what is asked for, and whether an unfinished run still asks the same. */
import { exportsOf, planExports } from '../ledger/exports.ts'
import { openRun, type RunMode } from '../ledger/runs.ts'
import { watermarksOf } from '../ledger/watermarks.ts'
import type { WorkerContext } from './context.ts'
import { filterOf } from './filter.ts'
import { planRun, type PlanInput } from './plan.ts'
import type { Source } from './source.ts'

/** Plans a run, and writes it into the ledger with its exports. */
export async function openNextRun(
  context: WorkerContext,
  source: Source,
  full: boolean,
): Promise<{ run: number; mode: RunMode; startedAt: Date }> {
  const held = await watermarksOf(context.ledger, source.name)
  const plan = planRun({
    ...source.since,
    types: source.types,
    watermarks: new Map(held.map(({ type, transaction_time: at, filter }) => [type, { at, filter }])),
    filterOf: (type) => filterOf(source, type),
    request: source.request,
    mode: full || source.manifestUrl !== undefined ? 'full' : source.since.mode,
    membersMatter: membersMatter(source),
  })
  const startedAt = context.clock.now()
  const run = await context.database.transaction(async (session) => {
    const number = await openRun(session, {
      source: source.name,
      mode: plan.mode,
      startedAt,
      version: context.stokerVersion,
    })
    await planExports(session, number, plan.exports)
    return number
  })
  const left = held.map(({ type }) => type).filter((type) => !source.types.includes(type))
  if (left.length > 0) {
    const text = `no longer among the source's types, and left as they were when they last were: ${left.join(', ')}`
    context.observe({ source: source.name, run, kind: 'note', text })
  }
  return { run, mode: plan.mode, startedAt }
}

/** Increments need no list where the server sends the history of newcomers unasked, and the rows of leavers stay. */
function membersMatter({ level, groupChanges: { newcomers, leavers } }: Source): PlanInput['membersMatter'] {
  if (level.kind !== 'group') return 'never'
  return newcomers === 'included' && leavers === 'keep' ? 'for-whole' : 'always'
}

/** Whether a run asks for every type that the configuration names now. */
export async function asksForAll(context: WorkerContext, source: Source, run: number): Promise<boolean> {
  const asked = (await exportsOf(context.ledger, run)).flatMap((record) => Object.keys(record.filters))
  return source.types.every((type) => asked.includes(type))
}

/** Whether the exports of a run ask what the configuration asks now; another server's status URL is of no use. */
export async function asksTheSame(context: WorkerContext, source: Source, run: number): Promise<boolean> {
  const filters = (await exportsOf(context.ledger, run)).flatMap((record) => Object.entries(record.filters))
  return filters.every(([type, filter]) => source.types.includes(type) && filter === filterOf(source, type))
}
