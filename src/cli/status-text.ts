/** The state of a lake as an operator reads it. */
import { formerText } from '../app/former-sources.ts'
import type { Overview, PurgeRecord, Remark, TypeOverview } from '../ledger/overview.ts'
import type { RunRecord } from '../ledger/runs.ts'
import type { Lake } from '../warehouse/lake.ts'
import { countText, plural } from '../core/figures.ts'
import { findingText, lossText } from '../worker/finding-text.ts'
import { goesOnText, stateText, tookText } from '../ledger/run-state.ts'
import { textTable } from './text-table.ts'

/** What `--json` gives, but for the lake's folder. */
export interface Status extends Overview {
  /** False where the database can not be read: then this is what the newest snapshot knows. */
  readonly live: boolean
  /** Newest first; null where the database, which alone knows of them, can not be read. */
  readonly purges: readonly PurgeRecord[] | null
  /** Sources that the configuration no longer has; none where no configuration is read. */
  readonly former: readonly string[]
}

/** @param notice where it is not read from the database, that */
export function statusText(lake: Lake, notice: string, status: Status): string {
  const { live, types, runs, remarks, former, purges } = status
  const head = `lake     ${lake.root}\ncatalog  ${lake.catalog}\n${notice === '' ? '\n' : notice}`
  if (runs.length === 0) return `${head}${live ? 'no run yet: stoker sync\n' : ''}${purgesText(purges ?? [])}`
  const goingOn = live ? runs.flatMap((run) => goesOnText(run) ?? []).map((text) => `${text}\n`) : []
  return [
    head,
    typesText(types),
    '\n',
    runsText(runs),
    ...goingOn,
    ...remarks.map(remarkText),
    ...former.map((source) => `${formerText(source)}\n`),
    purgesText(purges ?? []),
  ].join('')
}

/** Types of which nothing came though they were asked for stand below, by source. */
function typesText(types: readonly TypeOverview[]): string {
  const isEmpty = ({ resources, deleted, watermark }: TypeOverview) =>
    resources === 0 && deleted === 0 && watermark !== null
  const shown = types.filter((type) => !isEmpty(type))
  const table = textTable(
    [
      { head: 'source' },
      { head: 'type' },
      { head: 'resources', align: 'right' },
      { head: 'deletions', align: 'right' },
      { head: 'watermark' },
    ],
    shown.map(({ source, type, resources, deleted, watermark }) => [
      source,
      type,
      countText(resources),
      countText(deleted),
      watermark?.toISOString() ?? 'none: the next run asks for everything',
    ]),
  )
  const nothing = new Map<string, string[]>()
  for (const { source, type } of types.filter(isEmpty)) nothing.set(source, [...(nothing.get(source) ?? []), type])
  const lines = [...nothing].map(([source, names]) => `${source} has nothing of: ${names.join(', ')}\n`)
  return `${shown.length === 0 ? 'no resource is held\n' : table}${lines.join('')}`
}

function runsText(runs: readonly RunRecord[]): string {
  return textTable(
    ['run', 'source', 'mode', 'state', 'started', 'took', ''].map((head) => ({ head })),
    runs.map((run) => [
      run.run,
      run.source,
      run.mode,
      stateText(run),
      run.started_at.toISOString(),
      tookText(run) ?? '',
      run.error_message ?? '',
    ]),
  )
}

function remarkText({ source, run, kind, type, what, count }: Remark): string {
  const begin = `${source} run ${run}: `
  switch (kind) {
    case 'held':
      return `${begin}${type} is held back: ${what}\n`
    case 'message':
      return `${begin}the server reported ${plural(count, 'issue')} (${what})\n`
    case 'finding':
      return `${begin}${findingText({ code: what, count, type })}\n`
    case 'loss':
      return `${begin}${lossText({ place: type ?? '', wanted: what, count })}\n`
  }
}

/** One that is not finished stops every run: it has the last word. */
function purgesText(purges: readonly PurgeRecord[]): string {
  const [open] = purges.filter(({ state }) => state !== 'done')
  const [last] = purges.filter(({ state }) => state === 'done')
  const done = purges.length - (open === undefined ? 0 : 1)
  const past =
    last === undefined
      ? ''
      : `${plural(done, 'purge')} so far, the last of ${whatText(last)} at ${last.asked_at.toISOString()}: --json has all\n`
  if (open === undefined) return past
  const left =
    open.state === 'cleared'
      ? 'its rows are gone, the free blocks of the database file still have them'
      : 'what it takes may still be there'
  return `${past}purge ${open.purge}, of ${whatText(open)}, asked for at ${open.asked_at.toISOString()}, is not finished: ${left}\n  what to do: stoker purge --finish; no run begins before\n`
}

function whatText({ kind, source }: PurgeRecord): string {
  return kind === 'source' ? `source ${source}` : `a ${kind} of ${source}`
}
