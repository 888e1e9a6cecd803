/** Figures of what was written, counted in the files themselves: rows, what is missing, ranges, balance of the labels. */
import { sqlName, sqlText } from '../../core/sql.ts'
import { KEY, type DatasetColumn } from './columns.ts'
import { SPLITS, type SplitName } from './definition.ts'
import type { Sandbox } from './sandbox.ts'

export type BySplit<T> = Readonly<Record<SplitName, T>>

export interface Statistics {
  readonly splits: BySplit<{ readonly rows: number; readonly patients: number }>
  /** In the order of the columns. */
  readonly columns: readonly ColumnStatistics[]
  /** Of labels with few values: how often each is there. */
  readonly labels: readonly LabelBalance[]
}

export interface ColumnStatistics {
  readonly name: string
  readonly missing: BySplit<number>
  /** Over all splits; as text for dates and times. Null for texts, and where nothing is there. */
  readonly min: number | string | boolean | null
  readonly max: number | string | boolean | null
}

export interface LabelBalance {
  readonly name: string
  readonly values: readonly { readonly value: number | string | boolean | null; readonly rows: BySplit<number> }[]
}

/** A label of more values is a measure: its range tells more. */
const BALANCED_VALUES_MAX = 20

/** @param files Parquet, by split */
export async function statisticsOf(
  sandbox: Sandbox,
  columns: readonly DatasetColumn[],
  files: BySplit<string>,
): Promise<Statistics> {
  const all = SPLITS.map(
    (split) => `SELECT *, ${sqlText(split)} AS _stoker_split FROM read_parquet(${sqlText(files[split])})`,
  )
  const relation = `(${all.join(' UNION ALL ')})`
  const inSplit = (aggregate: string) =>
    `{${SPLITS.map((split) => `${split}: ${aggregate} FILTER (_stoker_split = ${sqlText(split)})`).join(', ')}}`
  // By groups: each FILTER holds a chunk of all columns, and four hundred columns took 2 GB that no limit counts.
  const there = columns.map(({ name }, i) => `count(${sqlName(name)}) AS there${i}`)
  const counted = await sandbox.session.rows<Record<string, unknown>>(
    `SELECT _stoker_split AS split, count(*) AS rows, count(DISTINCT ${KEY}) AS patients, ${there.join(', ')}
     FROM ${relation} GROUP BY 1`,
  )
  const countOf = (name: string) =>
    mapSplits((split) => Number(counted.find((each) => each.split === split)?.[name] ?? 0))
  const rows = countOf('rows')
  const patients = countOf('patients')
  const ranges = columns.flatMap((column, i) => {
    const name = sqlName(column.name)
    return column.type === 'VARCHAR'
      ? []
      : [`min(${name})${textOf(column)} AS min${i}`, `max(${name})${textOf(column)} AS max${i}`]
  })
  const found = (await sandbox.session.first(`SELECT ${ranges.join(', ')} FROM ${relation}`))!
  const labels: LabelBalance[] = []
  for (const { name } of columns.filter(({ role, type }) => role === 'label' && type !== 'DOUBLE')) {
    const values = await sandbox.session.rows(
      `SELECT ${sqlName(name)} AS value, ${inSplit('count(*)')} AS rows FROM ${relation} GROUP BY 1 ORDER BY 1
       LIMIT ${BALANCED_VALUES_MAX + 1}`,
    )
    if (values.length > BALANCED_VALUES_MAX) continue
    labels.push({ name, values: values.map((each) => ({ value: each.value as string, rows: numbers(each.rows) })) })
  }
  return {
    splits: mapSplits((split) => ({ rows: rows[split], patients: patients[split] })),
    columns: columns.map(({ name }, i) => ({
      name,
      missing: mapSplits((split) => rows[split] - countOf(`there${i}`)[split]),
      min: (found[`min${i}`] ?? null) as ColumnStatistics['min'],
      max: (found[`max${i}`] ?? null) as ColumnStatistics['max'],
    })),
    labels,
  }
}

export function mapSplits<T>(make: (split: SplitName) => T): BySplit<T> {
  return Object.fromEntries(SPLITS.map((split) => [split, make(split)])) as Record<SplitName, T>
}

/** ISO 8601, as everywhere else. */
function textOf({ type }: DatasetColumn): string {
  if (type === 'DATE') return '::VARCHAR'
  if (type === 'TIMESTAMP') return `.strftime('%Y-%m-%dT%H:%M:%S.%f')`
  return type === 'TIMESTAMPTZ' ? `.strftime('%Y-%m-%dT%H:%M:%S.%fZ')` : ''
}

/** BIGINT inside of a struct is a bigint. */
function numbers(struct: unknown): BySplit<number> {
  const found = struct as BySplit<number | bigint>
  return mapSplits((split) => Number(found[split]))
}
