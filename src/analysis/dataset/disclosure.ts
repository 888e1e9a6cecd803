/** What would still tell who somebody is, or when something was, though keys are pseudonyms or dates are shifted. */
import { sqlName, sqlText } from '../../core/sql.ts'
import type { BoundDataset } from './binding.ts'
import { KEY, type DatasetColumn } from './columns.ts'
import type { Privacy } from './definition.ts'
import { DatasetError, type DatasetMistake } from './mistakes.ts'
import { countOf } from './offence.ts'
import { SET, type Sandbox } from './sandbox.ts'
import { placeSql, sideBySide } from './wide-table.ts'

/** A table of the snapshot that the definition reads. */
export interface ReadTable {
  /** As SQL text. */
  readonly relation: string
  readonly columns: readonly string[]
}

interface Found {
  readonly column: number
  readonly values: number
}

/**
 * Looks through the values as they would be written. A text must not hold a key or an id of the patient's resources, or a
 * reference; with shifted dates, no date, for nobody shifts text. No column may be named like a patient. A column of numbers must not be the patient's id, nor,
 * with shifted dates, hold nothing but dates (20260131) or instants (seconds since 1970 and the like).
 * @param types resource types of the snapshot
 * @throws DatasetError that names columns and counts
 */
export async function refuseDisclosure(
  { session }: Sandbox,
  bound: BoundDataset,
  privacy: Privacy,
  tables: readonly ReadTable[],
  types: readonly string[],
): Promise<void> {
  if (!privacy.pseudonyms && privacy.shiftDays === 0) return
  const { columns } = bound
  const values = columns.map((column, number) => ({ column, number, sql: placeSql(bound, column) })).slice(2)
  const texts = values.filter(({ column }) => column.type === 'VARCHAR')
  const structs = texts.map(({ number, sql }) => `{n: ${number}, v: ${sql}}`)
  const each = `SELECT c.${KEY} AS k, unnest([${structs.join(', ')}]) AS t FROM ${sideBySide(bound)}`
  if (texts.length > 0) {
    await session.run(
      `CREATE TABLE ${SET}.texts AS SELECT DISTINCT k, t.n AS n, t.v AS v FROM (${each}) WHERE t.v IS NOT NULL`,
    )
  }
  const found: DatasetMistake[] = []
  const look = async (sql: string, problem: (values: number) => string, wayOut: string) => {
    for (const { column, values } of await session.rows<Found>(sql)) {
      found.push(mistakeAt(bound, columns[column]!, problem(values), wayOut))
    }
  }
  const textsWhere = (condition: string) =>
    `SELECT n AS column, count(*) AS values FROM ${SET}.texts AS t WHERE ${condition} GROUP BY n ORDER BY n`
  const numbers = (whole: boolean) =>
    values.filter(({ column: { type } }) => type === 'BIGINT' || (!whole && type === 'DOUBLE'))

  if (privacy.pseudonyms) {
    const names = values.map(({ column, number }) => `{n: ${number}, name: ${sqlText(column.name)}}`)
    await look(
      `SELECT t.n AS column, count(*) AS values FROM (SELECT unnest([${names.join(', ')}]) AS t)
       WHERE t.name IN (SELECT lower(${tail(KEY)}) FROM ${SET}.cohort) GROUP BY 1 ORDER BY 1`,
      () => "its name is a patient's id",
      'Name it otherwise.',
    )
  }
  if (privacy.pseudonyms && texts.length > 0) {
    const wayOut = 'Leave it out, or give something of it that is nobody’s own.'
    const keys = `contains(v, k) OR regexp_matches(v, ${sqlText(`\\b(${types.join('|')})/[A-Za-z0-9.-]{1,64}`)})`
    const ids = tables.flatMap(sameIdSql).map((exists) => ` OR ${exists}`)
    await look(
      textsWhere(`${keys} OR ${tail('v')} = ${tail('k')}${ids.join('')}`),
      (count) => `${countOf(count, 'text')} with a key or id of the patient's resources`,
      wayOut,
    )
  }
  if (privacy.pseudonyms && numbers(true).length > 0) {
    const mostly = numbers(true).map(
      ({ number, sql }) =>
        `{n: ${number}, same: count_if(${sql}::VARCHAR = ${tail(`c.${KEY}`)}), total: count(${sql})}`,
    )
    await look(
      `SELECT t.n AS column, t.same AS values FROM (SELECT unnest([${mostly.join(', ')}]) AS t FROM ${sideBySide(bound)})
       WHERE t.same > 0 AND 2 * t.same >= t.total ORDER BY 1`,
      (count) => `${countOf(count, 'number')} that are the patient's id`,
      'Leave it out.',
    )
  }
  if (privacy.shiftDays > 0 && texts.length > 0) {
    await look(
      textsWhere(`regexp_matches(v, ${sqlText(DATE_IN_TEXT)})`),
      (count) => `${countOf(count, 'text')} with a date, which is not shifted`,
      'Give dates as DATE or TIMESTAMP, which are.',
    )
  }
  if (privacy.shiftDays > 0 && numbers(false).length > 0) {
    const isTimes = numbers(false).map(
      ({ number, sql }) =>
        `{n: ${number}, total: count(${sql}), yes: coalesce(bool_and(${looksLikeTime(sql)}), false)}`,
    )
    await look(
      `SELECT t.n AS column, t.total AS values FROM (SELECT unnest([${isTimes.join(', ')}]) AS t FROM ${sideBySide(bound)})
       WHERE t.yes ORDER BY 1`,
      (count) => `${countOf(count, 'number')} that all look like dates, which are not shifted`,
      'Give dates as DATE or TIMESTAMP, which are.',
    )
  }
  if (found.length > 0) throw new DatasetError(found[0]!.file, found)
  if (texts.length > 0) await session.run(`DROP TABLE ${SET}.texts`)
}

/** 2026-01-31, 2026-01, 31.01.2026, 1/31/2026, 2026/01/31, 20260131. */
const DATE_IN_TEXT =
  '\\b(19|20)\\d{2}-(0[1-9]|1[0-2])\\b|\\b(19|20)\\d{2}-(0[1-9]|1[0-2])-\\d{2}|\\b\\d{1,2}[./]\\d{1,2}[./](19|20)\\d{2}\\b|\\b(19|20)\\d{2}/\\d{1,2}/\\d{1,2}\\b|\\b(19|20)\\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\\d|3[01])\\b'

/** Seconds, milliseconds or microseconds since 1970, from 1985 on; or the digits of a date. */
function looksLikeTime(sql: string): string {
  const value = `(${sql})::DOUBLE`
  const since = [1, 1e3, 1e6].map((unit) => `${value} BETWEEN ${5e8 * unit} AND ${4.2e9 * unit}`)
  const text = `CASE WHEN ${value} BETWEEN 19000101 AND 21001231 THEN ${value}::BIGINT::VARCHAR END`
  return `(${since.join(' OR ')} OR coalesce(try_strptime(${text}, '%Y%m%d') IS NOT NULL, false))`
}

/** SQL of the part behind the last `/`: the id in a key or a reference. */
function tail(sql: string): string {
  return `split_part(${sql}, '/', -1)`
}

/** Whether the text `t.v` ends in the id of one of the patient's resources of that table. */
function sameIdSql({ relation, columns }: ReadTable): string[] {
  if (!columns.includes('_resource_key')) return []
  const patient = columns.includes(KEY) ? KEY : '_resource_key'
  return [`(${KEY_AND_TAIL}) IN (SELECT (r.${sqlName(patient)}, ${tail('r._resource_key')}) FROM ${relation} AS r)`]
}

const KEY_AND_TAIL = `t.k, ${tail('t.v')}`

function mistakeAt(
  { label, features }: BoundDataset,
  column: DatasetColumn,
  problem: string,
  wayOut: string,
): DatasetMistake {
  const of = features.find(({ roles }) => roles.outputs.some((output) => output.column.name === column.name)) ?? label
  const { select } = of.read
  return { ...select.place(), path: `${select.path}.sql`, problem: `column ${column.name}: ${problem}`, wayOut }
}
