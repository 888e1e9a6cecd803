/** The files of a run, and what in them was no usable resource, as an operator reads it. */
import type { FileDetails, RejectCount, RunDetails } from '../ledger/run-details.ts'
import { bytesText, countText, plural } from '../core/figures.ts'
import { cutMiddle } from './request-url.ts'
import { textTable } from './text-table.ts'

const FILES_SHOWN = 20
const REASONS_SHOWN = 10
const PLACES_SHOWN = 5

const FILE_COLUMNS = [
  { head: 'file', align: 'right' },
  { head: 'kind' },
  { head: 'type' },
  { head: 'state' },
  { head: 'lines', align: 'right' },
  { head: 'resources', align: 'right' },
  { head: 'rejects', align: 'right' },
  { head: 'bytes', align: 'right' },
  { head: 'sha256' },
] as const

/** How often a sync went without the file; a request that is repeated within one sync is not counted. */
const IN_VAIN = { head: 'syncs in vain', align: 'right' } as const

/** Each file's address stands below its figures, and why it could not be had. What failed comes first. */
export function filesText({ files }: Pick<RunDetails, 'files'>): string {
  if (files.length === 0) return ''
  const sorted = [...files].sort((a, b) => rank(a) - rank(b) || a.file - b.file)
  const shown = sorted.slice(0, FILES_SHOWN)
  const isInVain = shown.some(({ tries }) => tries !== null)
  const table = textTable(
    isInVain ? [...FILE_COLUMNS, IN_VAIN] : FILE_COLUMNS,
    shown.map((file) => [...fileCells(file), ...(isInVain ? [String(file.tries ?? '')] : [])]),
  )
    .trimEnd()
    .split('\n')
  const lines = shown.flatMap(({ url, note }, i) => [
    table[i + 2]!,
    `      ${cutMiddle(url, 94)}`,
    ...(note === null ? [] : [`      ${note}`]),
  ])
  const more = files.length - shown.length
  const rest = more > 0 ? [`… and ${plural(more, 'file')} more: --json has all`] : []
  return `${[...table.slice(0, 2), ...lines, ...rest].join('\n')}\n`
}

function rank({ state }: FileDetails): number {
  return state === 'failed' ? 0 : state === 'skipped' ? 1 : 2
}

function fileCells(file: FileDetails): string[] {
  const count = (value: number | null) => (value === null ? '' : countText(value))
  return [
    String(file.file),
    file.kind,
    file.type ?? '',
    file.state,
    count(file.lines),
    count(file.resources),
    count(file.rejects),
    file.bytes === null ? '' : bytesText(file.bytes),
    file.sha256?.slice(0, 8) ?? '',
  ]
}

/** @param rejectsFile where the text of a file's rejects lies in the lake; undefined where it is not there any more */
export function rejectsText(
  { rejects }: Pick<RunDetails, 'rejects'>,
  rejectsFile: (file: number) => string | undefined,
): string {
  if (rejects.length === 0) return ''
  const reasons = [...byReason(rejects)].sort(([, a], [, b]) => b - a)
  const table = textTable(
    [{ head: 'rejects', align: 'right' }, { head: 'reason' }],
    reasons.slice(0, REASONS_SHOWN).map(([reason, count]) => [countText(count), reason]),
  )
  const moreReasons = reasons.length - REASONS_SHOWN
  const places = rejects.slice(0, PLACES_SHOWN).map(({ file, first_line, first_byte_offset }) => {
    const path = rejectsFile(file)
    const text = path === undefined ? '' : `  ${path}`
    return `  file ${file}, line ${countText(first_line)}, byte ${countText(first_byte_offset)}${text}\n`
  })
  return [
    table,
    moreReasons > 0 ? `… and ${plural(moreReasons, 'reason')} more: --json has all\n` : '',
    'the first places, and the file of the lake that has their text:\n',
    ...places,
  ].join('')
}

function byReason(rejects: readonly RejectCount[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { reason, count } of rejects) counts.set(reason, (counts.get(reason) ?? 0) + count)
  return counts
}
