/** A data set that was built, or a definition that was checked, as text for a terminal. */
import type { DatasetCard } from '../analysis/dataset/card.ts'
import type { DatasetCheck } from '../analysis/dataset/check.ts'
import { SPLITS, type DatasetDefinition } from '../analysis/dataset/definition.ts'
import type { OriginFacts } from '../analysis/dataset/origin.ts'
import { bytesText, countText, plural } from '../core/figures.ts'
import { textTable } from './text-table.ts'

export function builtText(card: DatasetCard, folder: string): string {
  const right = (head: string) => ({ head, align: 'right' as const })
  const labels = card.labels.flatMap(({ name, values }) =>
    values.length > LABEL_COLUMNS_MAX
      ? []
      : values.map(({ value, rows }) => ({ head: `${name} ${value ?? 'none'}`, rows })),
  )
  const table = textTable(
    [
      { head: 'split' },
      right('rows'),
      right('patients'),
      ...labels.map(({ head }) => right(head)),
      right('parquet'),
      right('arrow'),
    ],
    SPLITS.map((split) => [
      split,
      countText(card.splits[split].rows),
      countText(card.splits[split].patients),
      ...labels.map(({ rows }) => countText(rows[split])),
      ...['parquet', 'arrow'].map((end) => bytesText(card.files.find(({ file }) => file === `${split}.${end}`)!.bytes)),
    ]),
  )
  const { cohort, without_label: without } = card.rows
  const left =
    without === 0
      ? ''
      : `; ${countText(without)} of the cohort's ${countText(cohort.rows)} have no label and are left out`
  const features = card.columns.filter(({ role }) => role === 'feature')
  const empty = features.filter(({ missing_share }) => missing_share === 1).map(({ name }) => name)
  return `${table}
${card.name}: ${plural(card.rows.written, 'row')} with ${plural(features.length, 'column')} of features, ${originText(card.from)}${left}
no value of a feature was known after its index date; ${privacyText(card)}
${empty.length === 0 ? '' : `nothing at all in: ${empty.join(', ')}\n`}data set  ${folder}
card      ${folder}/card.md
`
}

/** More make a table nobody reads. */
const LABEL_COLUMNS_MAX = 4

export function checkedText({ name, features }: DatasetDefinition, { tables, columns, from }: DatasetCheck): string {
  const head = `${name}: nothing is wrong with it; it reads ${tables.join(', ')}\n`
  if (columns === undefined || from === undefined) {
    return `${head}There is no lake to look into, so nothing is known of its tables and columns: name one with --lake or --config.\n`
  }
  const table = textTable(
    [{ head: 'column' }, { head: 'type' }, { head: 'role' }, { head: 'feature' }],
    columns.map((column) => [column.name, column.type, column.role, column.feature ?? '']),
  )
  return `${table}\n${head}${plural(features.length, 'feature')} checked against the tables ${originText(from)}; no row was read\n`
}

function originText(facts: OriginFacts): string {
  return facts.kind === 'snapshot' ? `of snapshot ${facts.snapshot}` : `as run ${facts.run} left them`
}

function privacyText({ options: { pseudonyms, shift_days } }: DatasetCard): string {
  const keys = pseudonyms ? 'keys are pseudonyms' : "keys are the lake's own"
  return `${keys}, dates are ${shift_days > 0 ? `shifted by up to ${shift_days} days` : 'true'}`
}
