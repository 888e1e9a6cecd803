/** The SELECTs of a definition against the tables there are: what each gives, before any row is read. */
import { sqlName } from '../../core/sql.ts'
import { INDEX, KEY, type DatasetColumn, type FoundColumn } from './columns.ts'
import { cohortRoles, featureRoles, labelRoles, type CohortRoles, type EventRoles, type RowRoles } from './roles.ts'
import type { DatasetDefinition, DatasetSelect, FeatureDefinition } from './definition.ts'
import type { DatasetMistake } from './mistakes.ts'
import { BindingError, SET, type Parameters, type Sandbox } from './sandbox.ts'
import { sentence } from './select-syntax.ts'
import type { ReadSelect, ReadSelects } from './selects.ts'

export interface Bound<Roles> {
  readonly read: ReadSelect
  readonly roles: Roles
}

export interface BoundDataset {
  readonly cohort: Bound<CohortRoles>
  readonly label: Bound<RowRoles>
  readonly features: readonly (Bound<RowRoles | EventRoles> & { readonly feature: FeatureDefinition })[]
  /** In the order of the files' columns. */
  readonly columns: readonly DatasetColumn[]
}

interface Binding {
  /** Undefined where something is wrong. */
  readonly bound: BoundDataset | undefined
  readonly mistakes: readonly DatasetMistake[]
}

/** Before the sandbox is sealed. */
export async function bindSelects(
  sandbox: Sandbox,
  definition: DatasetDefinition,
  selects: ReadSelects,
  parameters: Parameters,
): Promise<Binding> {
  const mistakes: DatasetMistake[] = []
  const bind = async <Roles>(
    select: DatasetSelect,
    rolesOf: (found: readonly FoundColumn[], say: (problem: string, wayOut: string) => void) => Roles | undefined,
  ): Promise<Bound<Roles> | undefined> => {
    const read = selects.by.get(select.path)!
    if (!read.isSound) return undefined
    const say = (problem: string, wayOut: string, byte?: number) =>
      mistakes.push({ ...select.place(byte), path: `${select.path}.sql`, problem, wayOut })
    const before = mistakes.length
    const found = await describe(sandbox, read, parameters, say)
    const roles = found === undefined ? undefined : rolesOf(found, say)
    return roles === undefined || mistakes.length > before ? undefined : { read, roles }
  }

  const cohort = await bind(definition.cohort, cohortRoles)
  if (cohort !== undefined) {
    const typed = `SELECT * REPLACE (${INDEX}::${cohort.roles.index} AS ${INDEX}) FROM ${SET}.described`
    await sandbox.session.run(`CREATE OR REPLACE TABLE ${SET}.cohort AS ${typed}`)
    await showCohort(sandbox, cohort.roles)
  }
  const sameIndex = <Roles extends RowRoles | EventRoles>(
    roles: Roles | undefined,
    say: (a: string, b: string) => void,
  ) => {
    const wanted = cohort?.roles.index
    if (roles?.kind === 'rows' && wanted !== undefined && roles.index !== wanted) {
      say(
        `its ${INDEX} is ${roles.index}, that of the cohort ${wanted}`,
        `Give it as the cohort does: cohort.${INDEX}.`,
      )
    }
    return roles
  }
  const isReadable = (select: DatasetSelect) =>
    cohort !== undefined || !selects.by.get(select.path)!.tables.includes('cohort')

  const label = isReadable(definition.label)
    ? await bind(definition.label, (found, say) => sameIndex(labelRoles(definition.label, found, say), say))
    : undefined
  const features: (BoundDataset['features'][number] | undefined)[] = []
  for (const feature of definition.features) {
    const bound = isReadable(feature)
      ? await bind(feature, (found, say) => sameIndex(featureRoles(feature, found, say), say))
      : undefined
    features.push(bound && { ...bound, feature })
  }

  const columns: DatasetColumn[] = [
    { name: KEY, type: 'VARCHAR', role: 'key' },
    { name: INDEX, type: cohort?.roles.index ?? 'DATE', role: 'index' },
  ]
  for (const each of [label, ...features]) {
    for (const { column } of each?.roles.outputs ?? []) {
      const { select } = each!.read
      if (columns.some(({ name }) => name === column.name)) mistakes.push(secondOf(select, column.name))
      else columns.push(column)
    }
  }
  const all = features.filter((each) => each !== undefined)
  const isWhole = mistakes.length === 0 && cohort !== undefined && label !== undefined && all.length === features.length
  return { bound: isWhole ? { cohort, label, features: all, columns } : undefined, mistakes }
}

/** The SELECT as a relation `selected`, between words of ours. */
export function withSelected(head: string, { select }: ReadSelect, tail: string): { sql: string; offset: number } {
  const begin = `${head} WITH selected AS (\n`
  return { sql: `${begin}${bare(select.sql)}\n) ${tail}`, offset: Buffer.byteLength(begin) }
}

/** What the other SELECTs see of the cohort: nothing but its own columns. */
export async function showCohort({ session }: Sandbox, { others }: Pick<CohortRoles, 'others'>): Promise<void> {
  const names = [KEY, INDEX, ...others.map(({ name }) => name)].map(sqlName)
  await session.run(`CREATE OR REPLACE TEMP VIEW cohort AS SELECT ${names.join(', ')} FROM ${SET}.cohort`)
}

async function describe(
  sandbox: Sandbox,
  read: ReadSelect,
  parameters: Parameters,
  say: (problem: string, wayOut: string, byte?: number) => void,
): Promise<FoundColumn[] | undefined> {
  const { sql, offset } = withSelected(
    `CREATE OR REPLACE TABLE ${SET}.described AS`,
    read,
    'SELECT * FROM selected LIMIT 0',
  )
  try {
    await sandbox.perform(sql, read, parameters)
  } catch (error) {
    if (!(error instanceof BindingError)) throw error
    const [first = '', ...more] = error.message.split('\n')
    const wayOut = more.length === 0 ? 'Correct the SQL; stoker query tries it.' : `${more.join(' ').trim()}`
    say(sentence(first), wayOut, error.position === undefined ? undefined : error.position - offset)
    return undefined
  }
  return sandbox.session.rows<FoundColumn>(
    `SELECT column_name AS name, data_type AS type FROM duckdb_columns()
     WHERE schema_name = '${SET}' AND table_name = 'described' ORDER BY column_index`,
  )
}

/** A semicolon at the end is no mistake; nor is a comment behind it. */
function bare(sql: string): string {
  return sql.replace(/;\s*$/, '')
}

function secondOf(select: DatasetSelect, name: string): DatasetMistake {
  return {
    ...select.place(),
    path: `${select.path}.sql`,
    problem: `the data set would have a second column ${name}`,
    wayOut: 'Name it otherwise: … AS name; a column named value has the name of its feature.',
  }
}
