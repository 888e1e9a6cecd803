/** Where a row comes from, as an analyst reads it, 100 columns wide. */
import { comingOf, type Coming, type DeletedBy, type LineageTable, type Version } from '../ledger/lineage.ts'
import { shownUrl } from '../ledger/shown-url.ts'
import { bytesText, countText, plural } from '../core/figures.ts'
import { cutEnd, cutMiddle } from './request-url.ts'
import { capped, pairsText, timeText } from './run-text.ts'
import { textTable } from './text-table.ts'

export interface Lineage {
  readonly key: string
  readonly table: LineageTable
  /** Rows that the table holds of it now. */
  readonly rows: number
  /** Newest first; of a snapshot the one its rows are made from. */
  readonly versions: readonly Version[]
}

/** Of how many versions each is told; `--json` has all. */
const VERSIONS_SHOWN = 50

export function lineageText({ key, table, rows, versions }: Lineage): string {
  const newest = versions[0]!
  const living = versions.find((version) => version.deleted_by === null)
  const parts = [`${headline(key, table, rows, newest)}\n`]
  if (living !== undefined) parts.push(originText(living, table))
  else parts.push('It was deleted before it was ever received.\n')
  if (versions.length > 1 || newest.deleted_by !== null) parts.push(versionsText(versions))
  return parts.join('\n')
}

function headline(key: string, table: LineageTable, rows: number, newest: Version): string {
  if (newest.deleted_by !== null) {
    const kept = rows === 0 ? '' : `; ${table.name} keeps ${plural(rows, 'row')} of it, marked _deleted_at`
    const at = newest.exported_at === null ? '' : `, as of ${timeText(newest.exported_at)}`
    return `${key} is deleted: ${HOW[newest.deleted_by]} (run ${newest.run}${at})${kept}`
  }
  if (rows === 0) return `${key} was received, but ${table.name} makes no row of it: its definition selects others`
  return `${key}: ${plural(rows, 'row')} in ${table.name}`
}

/** By how it was learnt. */
const HOW: Readonly<Record<DeletedBy, string>> = {
  reported: 'the server listed it as deleted',
  missing: 'a whole export no longer had it',
  left: 'its patient left the Group',
}

const COMING: Readonly<Record<Coming, string>> = {
  created: 'created',
  updated: 'updated',
  're-created': 're-created',
  reported: 'deleted, reported',
  missing: 'deleted, missing',
  left: 'deleted, left',
}

function originText(version: Version, table: LineageTable): string {
  const { file, line, kind, ordinal, bytes, lines, last_updated } = version
  const isPast = version.until_run !== null
  return pairsText([
    ['view', `${table.name}, made of ${table.resource}; its definition's hash: ${table.hash.slice(0, 16)}`],
    [
      'version',
      [
        version.version ?? '',
        last_updated === null ? 'the server gives no lastUpdated' : `lastUpdated ${last_updated.toISOString()}`,
      ]
        .filter((text) => text !== '')
        .join(', '),
    ],
    [
      'run',
      `${version.run}, ${version.mode}, by Stoker ${version.stoker_version}${isPast ? ', the last to bring it' : ''}`,
    ],
    ['', `started ${timeText(version.started_at)}, committed ${timeText(version.committed_at)}`],
    ['request', version.request_url && cutEnd(shownUrl(version.request_url), 81)],
    ['since', version.since],
    ['transactionTime', version.transaction_time?.toISOString()],
    ['manifest', ordinal === null ? undefined : `entry ${ordinal + 1} of "${kind}"`],
    ['', version.url && cutMiddle(version.url, 81)],
    ['file', file === null ? undefined : `${file}: ${bytesText(bytes ?? 0)}, ${plural(lines ?? 0, 'line')}`],
    ['', version.sha256 && `sha256 ${version.sha256}`],
    ['line', line === null ? undefined : countText(line)],
  ])
}

function versionsText(versions: readonly Version[]): string {
  const table = textTable(
    [
      { head: 'run', align: 'right' },
      { head: 'what' },
      { head: 'version' },
      { head: 'transactionTime' },
      { head: 'file:line' },
      { head: 'sha256' },
      { head: 'until' },
    ],
    versions
      .slice(0, VERSIONS_SHOWN)
      .map((version, i) => [
        version.run,
        COMING[comingOf(versions, i)],
        [version.version ?? '', timeText(version.last_updated)].filter((text) => text !== '').join(' '),
        timeText(version.transaction_time ?? version.exported_at),
        version.file === null ? '' : `${version.file}:${version.line}`,
        version.sha256?.slice(0, 8) ?? '',
        version.until_run === null ? '' : `run ${version.until_run}`,
      ]),
  )
  const hows = [...new Set(versions.flatMap(({ deleted_by }) => deleted_by ?? []))]
  const more = versions.length - VERSIONS_SHOWN
  return `${table}${capped(hows.map((how) => `${COMING[how]}: ${HOW[how]}`))}${more > 0 ? `… and ${plural(more, 'version')} more: --json has all\n` : ''}`
}
