/** Values that lie on the wrong side of the index date: how many, and how far away. Never whose. */
import { DatasetError } from './mistakes.ts'
import type { DatasetSelect } from './definition.ts'

export interface Offence {
  readonly values: number
  /** In days; null where times are infinite. */
  readonly nearest: number | null
  readonly farthest: number | null
}

/** @throws DatasetError: from such a feature a model learns what nobody can know when it is asked. */
export function refuseLeak(feature: DatasetSelect & { readonly name: string }, offence: Offence): never {
  const many = countOf(offence.values, 'value')
  return refuse(
    feature,
    `feature ${feature.name}: ${many} known only after the index date${distance(offence)}`,
    'Leave out what was not known yet (WHERE … <= index_date), or let the index date be later.',
  )
}

export function refuseTimeless(select: DatasetSelect, what: string, values: number): never {
  const wayOut =
    'Give the time they were known at, or leave them out (WHERE … IS NOT NULL): otherwise nobody can say whether they were known.'
  return refuse(select, `${what}: ${countOf(values, 'value')} without a time (at is NULL)`, wayOut)
}

export function refuseEarlyLabel(label: DatasetSelect, offence: Offence): never {
  const many = countOf(offence.values, 'label')
  return refuse(
    label,
    `${many} known by the index date already${distance(offence)}`,
    'What is to be foretold lies after it. On days, the index day itself counts as before.',
  )
}

export function refuseUnknownLabel(label: DatasetSelect, offence: Offence): never {
  const many = countOf(offence.values, 'label')
  return refuse(
    label,
    `${many} known only after the tables end${distance(offence)}`,
    'Their patients were not followed so long: leave them out of the cohort (WHERE index_date <= $data_until - INTERVAL 30 DAYS).',
  )
}

export function refuseDoubles(select: DatasetSelect, what: string, rows: number): never {
  const wayOut = 'Give one row for each: GROUP BY, or QUALIFY row_number() OVER (PARTITION BY …) = 1.'
  return refuse(select, `${what}: ${countOf(rows, 'row')} of the cohort with more than one row`, wayOut)
}

/** `1 value is`, `1,200 values are`, as far as the sentence needs: `1 value`, `1,200 values`. */
export function countOf(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`
}

function refuse(select: DatasetSelect, problem: string, wayOut: string): never {
  const place = select.place()
  throw new DatasetError(place.file, [{ ...place, path: `${select.path}.sql`, problem, wayOut }])
}

function distance({ nearest, farthest }: Offence): string {
  if (nearest === null || farthest === null) return ''
  return nearest === farthest
    ? `, by ${days(nearest)}`
    : `, the nearest by ${days(nearest)}, the farthest by ${days(farthest)}`
}

/** Less than a day is told in parts of it. */
function days(value: number): string {
  const rounded =
    value < 10 && !Number.isInteger(value) ? Math.max(0.01, Number(value.toPrecision(2))) : Math.round(value)
  return `${rounded.toLocaleString('en-US')} day${rounded === 1 ? '' : 's'}`
}
