/** The data set's rows as one relation: key, index date, labels, features, beside each other by the number of their row. */
import { sqlName } from '../../core/sql.ts'
import type { BoundDataset } from './binding.ts'
import { ROW } from './cohort-table.ts'
import { INDEX, KEY, type DatasetColumn } from './columns.ts'
import type { Privacy, Split, SplitName } from './definition.ts'
import { nothingSql } from './event-table.ts'
import { keyParameters, shiftedSql, shiftSql, shownKeySql } from './pseudonym.ts'
import { SET, type Sandbox } from './sandbox.ts'
import { splitSql } from './split.ts'

export const LABEL_TABLE = 'label'

export function featureTable(place: number): string {
  return `feature_${place}`
}

/**
 * Gives the feature's table a row for each row of the cohort, in their order: such tables are put side by side in one pass,
 * while a hundred joins by number would each hold a table in memory.
 */
export async function alignFeature({ session }: Sandbox, { features }: BoundDataset, place: number): Promise<void> {
  const { roles } = features[place]!
  const values =
    roles.kind === 'rows'
      ? roles.outputs.map(({ column }) => `f.${sqlName(column.name)}`)
      : roles.outputs.map((output) => {
          const name = sqlName(output.column.name)
          const nothing = nothingSql(output)
          return nothing === undefined ? `f.${name}` : `coalesce(f.${name}, ${nothing}) AS ${name}`
        })
  const name = `${SET}.${featureTable(place)}`
  await session.run(`
    CREATE TABLE ${SET}.aligned AS SELECT ${values.join(', ')}
      FROM ${SET}.cohort AS c LEFT JOIN ${name} AS f USING (${ROW}) ORDER BY c.${ROW};
    DROP TABLE ${name};
    ALTER TABLE ${SET}.aligned RENAME TO ${featureTable(place)}`)
}

/** Makes `SET.person`: of each row of the cohort, in their order, the key that is shown, the shift and the split. */
export async function makePersons({ session }: Sandbox, split: Split, privacy: Privacy): Promise<void> {
  await session.run(
    `CREATE TABLE ${SET}.person AS SELECT ${shownKeySql(privacy, 'c')} AS shown, ${shiftSql(privacy, 'c')} AS shift,
       ${splitSql(split, 'c')} AS split FROM ${SET}.cohort AS c ORDER BY c.${ROW}`,
    privacy.key === undefined ? [] : keyParameters(privacy.key),
  )
}

/** All tables side by side: the cohort as `c`, its persons as `p`, the label as `l`, features as `f0`, `f1`, … */
export function sideBySide({ features }: BoundDataset): string {
  const names = features.map((_, i) => `${featureTable(i)} AS f${i}`)
  return ['cohort AS c', 'person AS p', `${LABEL_TABLE} AS l`, ...names]
    .map((each) => `${SET}.${each}`)
    .join(' POSITIONAL JOIN ')
}

/** Which of them has the column, with its name: `f3."hba1c_last"`. */
export function placeSql({ features }: BoundDataset, { name, role }: DatasetColumn): string {
  if (role === 'key' || role === 'index') return `c.${sqlName(name)}`
  const place = features.findIndex(({ roles }) => roles.outputs.some(({ column }) => column.name === name))
  return `${place < 0 ? 'l' : `f${place}`}.${sqlName(name)}`
}

/** SELECT of one split's rows in the order of what is shown of them: a hash of the true keys would tell who is who. */
export function splitRowsSql(bound: BoundDataset, privacy: Privacy, split: SplitName): string {
  const values = bound.columns.map((column) => {
    const value = column.role === 'key' ? 'p.shown' : shiftedSql(placeSql(bound, column), column, privacy, 'p.shift')
    return `${value} AS ${sqlName(column.name)}`
  })
  return `SELECT * EXCLUDE (_stoker_split) FROM (SELECT p.split AS _stoker_split, ${values.join(', ')} FROM ${sideBySide(bound)})
    WHERE _stoker_split = '${split}' ORDER BY ${KEY}, ${INDEX}`
}
