/** A data set's card for people: Markdown of what card.json says. */
import type { CardRuns, DatasetCard } from './card.ts'
import { SPLITS } from './definition.ts'
import type { OriginFacts } from './origin.ts'
import type { BySplit } from './statistics.ts'

export function cardText(card: DatasetCard): string {
  return [
    `# ${card.name}`,
    ...(card.description === null ? [] : [card.description.trim()]),
    table(
      ['', ...SPLITS, 'all'],
      [
        ['rows', ...SPLITS.map((split) => count(card.splits[split].rows)), count(card.rows.written)],
        ['patients', ...SPLITS.map((split) => count(card.splits[split].patients)), count(total(card))],
      ],
    ),
    leftOut(card),
    '## What it foretells, and of whom',
    [
      `- Cohort: ${oneLine(card.definition.cohort)}`,
      `- Label: ${oneLine(card.definition.label)}`,
      '- Checked: no value of a feature was known only after the index date; every label was known only after it, and before the tables end.',
    ].join('\n'),
    ...cohortParts(card.definition),
    ...card.labels.map((label) =>
      table(
        [label.name, ...SPLITS],
        label.values.map(({ value, rows }) => [String(value), ...SPLITS.map((split) => shareOf(rows, split, card))]),
      ),
    ),
    '## Columns',
    table(
      ['column', 'type', 'role', 'missing', 'from', 'to', 'description'],
      card.columns.map((column) => [
        `\`${column.name}\``,
        column.type,
        column.role,
        percent(column.missing_share),
        figure(column.min),
        figure(column.max),
        [oneLine(column.description, ''), windowText(column.feature, card)].filter((text) => text !== '').join(' '),
      ]),
    ),
    `Missing, by split: ${missing(card)}.`,
    '## Who is in it',
    privacyText(card),
    splitText(card),
    '## Where it comes from',
    originText(card.from),
    `The tables are complete up to ${card.data_until}. What was read:`,
    table(
      ['table', 'resource', 'rows', 'view', 'files'],
      card.tables.map((each) => [
        each.name,
        each.resource ?? '',
        each.rows === null ? '' : count(each.rows),
        each.view_hash ?? '',
        each.files_sha256?.slice(0, 16) ?? '',
      ]),
    ),
    card.runs.map(runsText).join('\n'),
    ...(card.watermarks === null
      ? []
      : [
          table(
            ['source', 'type', 'watermark'],
            card.watermarks.map((each) => [each.source, each.type, each.transaction_time]),
          ),
        ]),
    '## Files',
    table(
      ['file', 'rows', 'bytes', 'SHA-256'],
      card.files.map((each) => [each.file, count(each.rows), count(each.bytes), `\`${each.sha256}\``]),
    ),
    'The Arrow files (IPC file format, also called Feather V2) have the rows of the Parquet files, in the same order.',
    '## Made again',
    `Defined by ${card.definition.file}, SHA-256 of what it says \`${card.definition.sha256}\`; made by Stoker ${card.made_by.stoker} with DuckDB ${card.made_by.duckdb}. ${parametersText(card)}`,
    ['```sh', ...card.again, '```'].join('\n'),
    'The same definition over the same tables gives the same files, byte for byte, with the same versions and the same key. A snapshot stays for as long as the configuration says; a past run can be had while the raw log keeps it.',
    ...selectParts(card),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
    .concat('\n')
}

function cohortParts({ cohort: told, cohort_definition: cohort }: DatasetCard['definition']): string[] {
  if (cohort === null) return []
  const { name, file, title, description, simplified, codes, parameters, sha256 } = cohort
  const hash = sha256 === null ? '' : `, definition \`${sha256}\``
  const code = ({ system, code: value, display }: (typeof codes)[number]) => `- ${system} \`${value}\` ${display}`
  const given = (value: unknown) => (value === undefined ? 'in the definition' : JSON.stringify(value))
  return [
    `The cohort is ${name} (${file}${hash}): ${title}.${told === description ? '' : ` ${oneLine(description)}`}`,
    simplified === null ? '' : `Simplified: ${oneLine(simplified)}`,
    codes.map(code).join('\n'),
    parameters.length === 0
      ? ''
      : table(
          ['parameter', 'type', 'value', 'what it means'],
          parameters.map((each) => [`\`${each.name}\``, each.type, given(each.value), each.description]),
        ),
  ]
}

function windowText(feature: string | null, { definition: { features } }: DatasetCard): string {
  const window = features.find(({ name }) => name === feature)?.window ?? null
  if (window === null) return ''
  const { from_day: from, to_day: to } = window
  return `(days ${from === null ? 'up to' : `${from} to`} ${to})`
}

function selectParts({ definition: { selects } }: DatasetCard): string[] {
  if (selects === null) return []
  return ['## The SELECTs', ...selects.flatMap(({ path, sql }) => [`${path}:`, ['```sql', sql, '```'].join('\n')])]
}

function leftOut({ rows: { cohort, without_label } }: DatasetCard): string {
  const all = `The cohort has ${count(cohort.rows)} rows of ${count(cohort.patients)} patients`
  return without_label === 0
    ? `${all}, all of them with a label.`
    : `${all}; ${count(without_label)} without a label are left out.`
}

function privacyText({ options: { pseudonyms, shift_days, key_fingerprint } }: DatasetCard): string {
  const keys = pseudonyms
    ? '- **Keys are pseudonyms**: HMAC-SHA-256 of the patient’s key. Who has the key file can tell who is who; data sets made with one key file can be joined.'
    : '- **Keys are those of the lake**: whoever reads this data set can find the patients there. `privacy.pseudonyms` makes them pseudonyms.'
  const dates =
    shift_days > 0
      ? `- **Dates are shifted** by 1 to ${shift_days} days, earlier or later, all dates and times of a patient by the same: intervals are true. Numbers and texts are as they are, a year among them.`
      : '- **Dates are true.** `privacy.shiftDays` shifts them, each patient’s by days of their own.'
  const key = key_fingerprint === null ? '' : `\n- The key file’s fingerprint is ${key_fingerprint}.`
  const advice = '- It holds data of single patients either way: treat it as such.'
  return `${keys}\n${dates}${key}\n${advice}`
}

function splitText({ options: { split } }: DatasetCard): string {
  const shares = SPLITS.map((name) => `${name} ${split.shares[name]} %`).join(', ')
  const salt = split.salt === null ? 'the definition’s own salt' : `salt \`${split.salt}\``
  return `Split by patient (${shares}; ${split.by}, ${salt}): all rows of a patient are in one split, and stay there when the data grow.`
}

function originText(facts: OriginFacts): string {
  const manifest = facts.manifest_sha256 === null ? '' : `; SHA-256 of its manifest \`${facts.manifest_sha256}\``
  const by = `written by Stoker ${facts.stoker_version} with DuckDB ${facts.duckdb_version}${manifest}`
  if (facts.kind === 'as-of') {
    return `The tables as run ${facts.run} (${facts.source}) left them at ${facts.committed_at}; ${by}.`
  }
  const run = facts.run === null ? '' : ` by run ${facts.run}`
  return `Snapshot ${facts.snapshot}, published${run} at ${facts.published_at}; ${by}.`
}

function runsText({ source, runs, first_run, last_run }: CardRuns): string {
  const which = runs === 1 ? `run ${first_run}` : `${count(runs)} runs, ${first_run} to ${last_run}`
  return `- ${source}: the rows came by ${which}`
}

function parametersText({ definition: { parameters } }: DatasetCard): string {
  if (Array.isArray(parameters)) {
    return parameters.length === 0 ? '' : `Parameters: ${parameters.join(', ')} (their values are in the definition).`
  }
  const given = Object.entries(parameters)
  return given.length === 0
    ? ''
    : `Parameters: ${given.map(([name, value]) => `${name} = ${JSON.stringify(value)}`).join(', ')}.`
}

function missing({ columns, splits }: DatasetCard): string {
  const wanting = columns.filter(({ missing_share }) => missing_share > 0)
  if (wanting.length === 0) return 'nothing'
  const shares = (each: BySplit<number>) =>
    SPLITS.map((split) => percent(splits[split].rows === 0 ? 0 : each[split] / splits[split].rows)).join(' / ')
  return wanting.map(({ name, missing }) => `\`${name}\` ${shares(missing)}`).join(', ')
}

function shareOf(rows: BySplit<number>, split: keyof BySplit<number>, { splits }: DatasetCard): string {
  const all = splits[split].rows
  return all === 0 ? '0' : `${count(rows[split])} (${percent(rows[split] / all)})`
}

function total({ splits }: DatasetCard): number {
  return SPLITS.reduce((sum, split) => sum + splits[split].patients, 0)
}

/** card.json has all digits. */
function figure(value: number | string | boolean | null): string {
  if (typeof value !== 'number') return value === null ? '' : String(value)
  return String(Number.isInteger(value) ? value : Number(value.toPrecision(6)))
}

function percent(share: number): string {
  return `${Number((100 * share).toFixed(1))} %`
}

function count(value: number): string {
  return value.toLocaleString('en-US')
}

function oneLine(text: string | null, otherwise = '(not described)'): string {
  return text === null ? otherwise : text.trim().replaceAll(/\s+/g, ' ')
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
