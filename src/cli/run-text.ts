/** One run as an operator reads it, 100 columns wide: shapes, counts and places, never content. */
import type { RunDetails } from '../ledger/run-details.ts'
import { phaseTimes } from '../ledger/phases.ts'
import { shownUrl } from '../ledger/shown-url.ts'
import { countText, durationText, plural } from '../core/figures.ts'
import { findingText, lossText } from '../worker/finding-text.ts'
import { cutEnd } from './request-url.ts'
import { filesText, rejectsText } from './run-files-text.ts'
import { stateText, tookText } from '../ledger/run-state.ts'
import { textTable } from './text-table.ts'

const COLUMNS = 100
const LINES_SHOWN = 10

/** @param rejectsFile where the text of a file's rejects lies in the lake; undefined where it is not there any more */
export function runText(details: RunDetails, rejectsFile: (file: number) => string | undefined): string {
  const parts = [
    headText(details),
    phasesText(details),
    exportsText(details),
    filesText(details),
    rejectsText(details, rejectsFile),
    saidText(details),
    typesText(details),
    tablesText(details),
  ]
  return parts.filter((part) => part !== '').join('\n')
}

/** A time to the second: what a table has room for. */
export function timeText(at: Date | null | undefined): string {
  return at == null ? '' : `${at.toISOString().slice(0, 19)}Z`
}

/** Names beside values, one a line; those without a value are left out. */
export function pairsText(pairs: readonly (readonly [name: string, value: string | null | undefined])[]): string {
  const said = pairs.filter(([, value]) => value != null && value !== '')
  const width = Math.max(...said.map(([name]) => name.length))
  return said.map(([name, value]) => `  ${name.padEnd(width)}  ${value}\n`).join('')
}

function headText({ run, snapshot }: RunDetails): string {
  const head = `run ${run.run}: ${run.source}, ${run.mode}, ${stateText(run)}\n`
  return `${head}${pairsText([
    ['started', `${run.started_at.toISOString()}, by Stoker ${run.stoker_version}`],
    ['committed', run.committed_at && `${run.committed_at.toISOString()}, as commit ${run.commit_number}`],
    ['ended', run.ended_at && `${run.ended_at.toISOString()}, after ${tookText(run)}`],
    ['snapshot', snapshot === null ? undefined : String(snapshot)],
    ['error', run.error_code && `${run.error_code}: ${run.error_message ?? ''}`],
    ['what to do', run.error_hint],
  ])}`
}

function phasesText({ phases }: RunDetails): string {
  if (phases.length === 0) return ''
  return textTable(
    [{ head: 'phase' }, { head: 'took', align: 'right' }, { head: 'from' }, { head: 'until' }, { head: '' }],
    phaseTimes(phases).map(({ phase, startedAt, endedAt, tookMs, spells, unended }) => [
      phase,
      spells === unended ? '' : durationText(tookMs),
      timeText(startedAt),
      timeText(endedAt),
      [spells > 1 ? `${spells} spells` : '', unended > 0 ? `${unended === 1 ? 'one' : unended} without an end` : '']
        .filter((text) => text !== '')
        .join(', '),
    ]),
  )
}

function exportsText({ exports }: RunDetails): string {
  return exports
    .map((each) => {
      const waited =
        each.ready_at === null || each.requested_at === null
          ? ''
          : `, ready after ${durationText(each.ready_at.getTime() - each.requested_at.getTime())}`
      return `export ${each.export}: ${PURPOSE[each.purpose]}, ${each.whole ? 'the whole state' : 'what changed'}, ${each.state}\n${pairsText(
        [
          ['types', wrapped(each.types.join(', '))],
          ['since', each.since],
          ['request', each.request_url && cutEnd(shownUrl(each.request_url), COLUMNS - 19)],
          ['requested', each.requested_at && `${each.requested_at.toISOString()}${waited}`],
          ['transactionTime', each.transaction_time?.toISOString()],
        ],
      )}`
    })
    .join('')
}

const PURPOSE = { load: 'resources', members: 'members of the Group', newcomers: 'history of those who joined' }

/** A long list over several lines, each as far in as the values of {@link pairsText} beside `transactionTime`. */
function wrapped(text: string): string {
  const lines = ['']
  for (const word of text.split(' ')) {
    if (lines.at(-1)!.length + word.length > COLUMNS - 22) lines.push('')
    lines.push(`${lines.pop()!}${word} `)
  }
  return lines.map((line) => line.trimEnd()).join(`\n${' '.repeat(19)}`)
}

/** What the server said, and what was odd. */
function saidText({ messages, findings, losses, types }: RunDetails): string {
  const lost = losses.map(({ view_table, column_name, element, wanted, count }) =>
    lossText({ place: `${view_table}: ${element ?? column_name}`, wanted, count }),
  )
  const lines = [
    ...types.flatMap(({ type, held }) => (held === null ? [] : [`held back: ${type}: ${held}`])),
    ...messages.map(
      ({ severity, code, count }) =>
        `the server reported ${plural(count, 'issue')} (${[severity, code].filter((word) => word !== null).join(' ')})`,
    ),
    ...findings.map((finding) => `found: ${findingText(finding)}`),
    ...[...new Set(lost)].map((line) => `not in the table: ${line}`),
  ]
  return capped(lines)
}

export function capped(lines: readonly string[], shown = LINES_SHOWN): string {
  const more = lines.length - shown
  const rest = more > 0 ? `… and ${countText(more)} more: --json has all\n` : ''
  return `${lines
    .slice(0, shown)
    .map((line) => `${line}\n`)
    .join('')}${rest}`
}

const COUNTS = ['received', 'inserted', 'updated', 'unchanged', 'superseded', 'deleted', 'rejected'] as const

function typesText({ types }: RunDetails): string {
  const shown = types.filter((type) => COUNTS.some((column) => type[column] > 0))
  if (shown.length === 0) return types.length === 0 ? '' : 'nothing new of any type\n'
  return textTable(
    [{ head: 'type' }, ...COUNTS.map((head) => ({ head, align: 'right' as const }))],
    shown.map((type) => [type.type, ...COUNTS.map((column) => countText(type[column]))]),
  )
}

function tablesText({ tables }: RunDetails): string {
  const shown = tables.filter(({ rows_added, rows_removed }) => rows_added + rows_removed > 0)
  if (shown.length === 0) return ''
  const columns = ['rows removed', 'rows added', 'rows'].map((head) => ({ head, align: 'right' as const }))
  return textTable(
    [{ head: 'table' }, ...columns],
    shown.map((table) => [
      table.view_table,
      countText(table.rows_removed),
      countText(table.rows_added),
      countText(table.rows),
    ]),
  )
}
