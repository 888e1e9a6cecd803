/** Running a definition over a snapshot: its patients, and what else came of it. */
import { StokerError } from '../../core/errors.ts'
import type { Session } from '../../store/session.ts'
import type { SnapshotReader } from '../../warehouse/reading/reader.ts'
import { parameterValues, type CohortDefinition, type ParameterValue } from './definition.ts'
import { cohortError } from './sql-error.ts'

/** What a SELECT gave. Several rows of one patient are one member. */
export interface FoundMembers {
  readonly rows: number
  /** Rows without a key: of a resource that names no patient. They are nobody's. */
  readonly nullKeys: number
  /** Keys that are no patient of the lake, or not any more. They are left out. */
  readonly strangers: number
  readonly members: number
}

/** Of the ledger's session, while a cohort is run: `(patient_key, rows, is_patient)`, one row a key. */
export const FOUND_TABLE = 'cohort_found'

/** Fills {@link FOUND_TABLE} anew. @throws StokerError COHORT_… about the definition, QUERY_MEMORY, QUERY_SPILL */
export async function findMembers(
  session: Session,
  reader: SnapshotReader,
  definition: CohortDefinition,
): Promise<FoundMembers> {
  const sql = await keysSql(reader, definition, parameterValues(definition))
  await session.run(
    `CREATE OR REPLACE TEMP TABLE ${FOUND_TABLE} (patient_key VARCHAR, rows BIGINT, is_patient BOOLEAN)`,
  )
  try {
    const answer = await reader.query(sql, parameterValues(definition))
    await session.append(FOUND_TABLE, answer, (error) => reader.failure(error))
  } catch (error) {
    throw cohortError(definition, error)
  }
  // Whom a purge took is nobody, whatever an old snapshot says.
  await session.run(
    `UPDATE ${FOUND_TABLE} SET is_patient = false WHERE is_patient AND patient_key NOT IN
       (SELECT source || '/Patient/' || id FROM stoker.resource WHERE type = 'Patient')`,
  )
  return mustHavePatients(definition, (await session.first<FoundMembers>(countSql(FOUND_TABLE)))!)
}

/** The same as numbers alone, with other values of parameters if need be; nothing is kept. */
export async function countMembers(
  reader: SnapshotReader,
  definition: CohortDefinition,
  values: Readonly<Record<string, ParameterValue>> = parameterValues(definition),
): Promise<FoundMembers> {
  const sql = await keysSql(reader, definition, values)
  const rows = await reader.rows<FoundMembers>(countSql(`(${sql})`), values).catch((error: unknown) => {
    throw cohortError(definition, error)
  })
  return mustHavePatients(definition, rows[0]!)
}

function countSql(relation: string): string {
  return `SELECT coalesce(sum(rows), 0)::BIGINT AS rows,
      coalesce(sum(rows) FILTER (patient_key IS NULL), 0)::BIGINT AS "nullKeys",
      count(*) FILTER (patient_key IS NOT NULL AND NOT is_patient) AS strangers,
      count(*) FILTER (is_patient) AS members
    FROM ${relation}`
}

/** A SELECT of `(patient_key, rows, is_patient)`, one row a key. The definition stays in the lines it has. */
async function keysSql(
  reader: SnapshotReader,
  definition: CohortDefinition,
  values: Readonly<Record<string, ParameterValue>>,
): Promise<string> {
  await checkColumns(reader, definition, values)
  // In a row of its own: the definition may end with a comment.
  return `WITH stoker_cohort AS MATERIALIZED (${definition.typedSql}
    ) SELECT patient_key, count(*) AS rows, coalesce(${await patientSql(reader)}, false) AS is_patient
      FROM stoker_cohort GROUP BY patient_key`
}

/** The reader shows the living alone. Of a lake without a table of patients, keys of their form. */
async function patientSql(reader: SnapshotReader): Promise<string> {
  const columns = await reader.rows(
    `SELECT column_name FROM information_schema.columns
     WHERE table_schema = 'main' AND table_name = 'patient' AND column_name = '_resource_key'`,
  )
  if (columns.length === 0) return `regexp_full_match(patient_key, '[^/]+/Patient/[A-Za-z0-9.-]+')`
  return 'patient_key IN (SELECT _resource_key FROM patient)'
}

const INDEX_DATE = /^(DATE|TIMESTAMP\b.*)$/

async function checkColumns(
  reader: SnapshotReader,
  definition: CohortDefinition,
  values: Readonly<Record<string, ParameterValue>>,
): Promise<void> {
  const { name, file, typedSql } = definition
  const result = await reader
    // One line before it, as above: DuckDB tells lines.
    .query(`FROM (${typedSql}\n) LIMIT 0`, values)
    .catch((error: unknown) => {
      throw cohortError(definition, error)
    })
  const types = new Map(result.columnNames().map((column, n) => [column, String(result.columnType(n))]))
  const wrong = (message: string, hint: string) =>
    new StokerError('COHORT_COLUMNS', `${name}: ${message}`, { hint, facts: { cohort: name, file } })
  const key = types.get('patient_key')
  if (key === undefined)
    throw wrong('its SELECT has no column patient_key', 'give it one: patient._resource_key, or patient_key of a table')
  if (key !== 'VARCHAR')
    throw wrong(`patient_key is ${key}, not VARCHAR`, 'take patient._resource_key, or patient_key of a table')
  const indexDate = types.get('index_date')
  if (indexDate !== undefined && !INDEX_DATE.test(indexDate))
    throw wrong(`index_date is ${indexDate}`, 'make it a DATE or a TIMESTAMP, or name it otherwise')
}

function mustHavePatients({ name, file }: CohortDefinition, found: FoundMembers): FoundMembers {
  if (found.members > 0 || found.strangers === 0) return found
  throw new StokerError('COHORT_KEYS', `${name}: none of its ${found.strangers} keys is a patient of the lake`, {
    hint: 'patient_key must be patient._resource_key, such as hospital/Patient/1; is Patient among the types of the source?',
    facts: { cohort: name, file },
  })
}
