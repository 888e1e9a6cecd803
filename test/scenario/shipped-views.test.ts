/** The views that come with Stoker, over real and hand-made resources, against counts and values got by other means. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Database } from '../../src/store/database.ts'
import type { Session } from '../../src/store/session.ts'
import { LINEAGE_COLUMNS } from '../../src/warehouse/tables/view.ts'
import { countByHand, valuesByHand } from './count-by-hand.ts'
import { readDefinitions, tableViews, type DefinedColumn, type Definition } from './view-tables.ts'

const viewsFolder = new URL('../../schemas/views/us-core/', import.meta.url).pathname
const fixtures = {
  synthea: new URL('../fixtures/synthea/', import.meta.url).pathname,
  us_core: new URL('../fixtures/us-core/', import.meta.url).pathname,
}

let folder: string
let database: Database
let session: Session
let definitions: Definition[]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stoker-shipped-views-'))
  database = await Database.open({ path: join(folder, 'test.duckdb'), memoryLimitBytes: 512 << 20 })
  session = await database.session()
  definitions = await readDefinitions(viewsFolder)
  for (const [schema, data] of Object.entries(fixtures)) await tableViews(session, schema, viewsFolder, data)
})

afterAll(async () => {
  database.close()
  await rm(folder, { recursive: true, force: true })
})

describe('what a shipped view says of itself', () => {
  test('its file, its name and its url agree', async () => {
    const files = (await readdir(viewsFolder)).map((file) => basename(file, '.json'))
    expect(definitions.map((view) => view.name).sort()).toEqual(files.sort())
    for (const view of definitions) expect(view.url).toBe(`https://fhir-stoker.dev/views/${view.name}`)
  })

  test('it states its grain and describes every column', () => {
    for (const view of definitions) {
      expect(view.description, view.name).toMatch(/^One row per [a-zA-Z. ]+\./)
      for (const column of view.columns) {
        expect(column.name, view.name).toMatch(/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/)
        expect(column.description, `${view.name}.${column.name}`).toMatch(/\w.*[.…]$/)
        expect(column.type, `${view.name}.${column.name}`).toBeDefined()
      }
    }
  })

  test('none of its columns has a name that SQL reserves', async () => {
    const reserved = await session.rows<{ name: string }>(
      `SELECT keyword_name AS name FROM duckdb_keywords() WHERE keyword_category IN ('reserved', 'column_name')`,
    )
    const names = new Set(reserved.map((row) => row.name))
    expect(definitions.flatMap((view) => view.columns.filter((column) => names.has(column.name)))).toEqual([])
  })

  test('a table that one of its descriptions names exists', () => {
    const views = definitions.map((view) => view.name)
    for (const { column, table } of joins()) expect(views, column).toContain(table)
    expect(joins().length).toBeGreaterThan(50)
  })
})

describe.each(Object.entries(fixtures))('the views over the %s resources', (schema, data) => {
  test('have the columns of their definitions in that order, of the SQL types they promise', async () => {
    for (const view of definitions) {
      const described = await session.rows<{ column_name: string; column_type: string }>(
        `DESCRIBE ${schema}.${view.name}`,
      )
      const columns = described.slice(LINEAGE_COLUMNS.length).map((column) => [column.column_name, column.column_type])
      expect(columns, view.name).toEqual(view.columns.map((column) => [column.name, sqlType(column)]))
    }
  })

  test('have as many rows as counted by hand', async () => {
    const rows: Record<string, number> = {}
    for (const { name } of definitions) {
      rows[name] = (await session.first<{ n: number }>(`SELECT count(*) AS n FROM ${schema}.${name}`))?.n ?? -1
    }
    expect(rows).toEqual(await countByHand(data))
  })

  test('hold exactly the values read by hand', async () => {
    const expected = await valuesByHand(data)
    const held: Record<string, string[]> = {}
    for (const { name: view, columns } of definitions) {
      for (const column of columns.filter(({ name }) => expected[`${view}.${name}`] !== undefined)) {
        const rows = await session.rows<{ value: unknown }>(
          `SELECT ${column.name} AS value FROM ${schema}.${view} WHERE ${column.name} IS NOT NULL`,
        )
        held[`${view}.${column.name}`] = rows.map((row) => asByHand(row.value, column, schema)).sort()
      }
    }
    expect(held).toEqual(expected)
  })

  test('have rows that their key names', async () => {
    for (const { name: view, description } of definitions) {
      const key = / Key: ([a-z_, ]+)\.$/.exec(description)?.[1]
      expect(key, view).toBeDefined()
      const rows = await session.first<{ all_rows: number; named: number }>(
        `SELECT count(*) AS all_rows, count(DISTINCT (${key})) AS named FROM ${schema}.${view}`,
      )
      expect(rows?.named, `${view} by ${key}`).toBe(rows?.all_rows)
    }
  })
})

test('every key of the Synthea slice finds its row in the table that its description names', async () => {
  for (const { view, column, table } of joins()) {
    const lost = await session.rows(`
      SELECT ${column} FROM synthea.${view} WHERE ${column} IS NOT NULL
        AND ${column} NOT IN (SELECT _resource_key FROM synthea.${table})`)
    expect(lost, `${view}.${column}`).toEqual([])
  }
})

describe('what the hand-made resources must come out as', () => {
  const promises: [promise: string, sql: string, rows: unknown[][]][] = [
    [
      'race, ethnicity and birth sex come from the US Core extensions',
      `
      SELECT id, race_code, race_display, race_text, ethnicity_code, ethnicity_text, birth_sex
      FROM patient ORDER BY id`,
      [
        ['ada', '2106-3', 'White', 'White and Ojibwe', '2186-5', 'Not Hispanic', 'F'],
        ['ben', null, null, null, null, null, null],
      ],
    ],
    [
      'a maiden name is passed over, and a name without a use is taken',
      `
      SELECT family_name, given_name, medical_record_number, phone, email FROM patient ORDER BY id`,
      [
        ['Moss', 'Ada June', 'MR-1', '555-0100', 'ada@example.org'],
        ['Sol', 'Ben', null, null, null],
      ],
    ],
    [
      'a birth date is a DATE, a death an instant or a yes or no',
      `
      SELECT birth_date::VARCHAR, epoch_ms(deceased_datetime), deceased_boolean FROM patient ORDER BY id`,
      [
        ['1931-02-28', Date.UTC(2024, 2, 10, 4, 30), null],
        ['1988-12-01', null, false],
      ],
    ],
    [
      'a patient with two addresses is one row, with the first',
      `
      SELECT address_line, address_postal_code, (SELECT count(*) FROM patient_address) FROM patient WHERE id = 'ada'`,
      [['1 Mill Lane, Flat 2', '01901', 2]],
    ],
    [
      'a reference of another type is no key, and the first of the right type is',
      `
      SELECT e.practitioner_key, e.reason_condition_key, p.general_practitioner_key, o.patient_key
      FROM encounter e, patient p, observation o WHERE p.id = 'ada' AND o.id = 'titre'`,
      [['us_core/Practitioner/okafor', 'us_core/Condition/pneumonia', 'us_core/Practitioner/okafor', null]],
    ],
    [
      'a value is in the column of its kind',
      `
      SELECT id, value_quantity, value_comparator, value_unit, value_code, value_string, value_boolean, value_integer,
        value_denominator FROM observation ORDER BY id`,
      [
        ['bp', null, null, null, null, null, null, null, null],
        ['children', null, null, null, null, null, null, 3, null],
        ['crp', 0.5, '<', 'mg/L', null, null, null, null, null],
        ['fever', null, null, null, null, null, true, null, null],
        ['note', null, null, null, null, 'clear; no blood', null, null, null],
        ['smoker', null, null, null, '266919005', null, null, null, null],
        ['titre', null, null, null, null, null, null, null, 64],
      ],
    ],
    [
      'a component without a value keeps its row and says why',
      `
      SELECT code, value_quantity, value_unit_code, data_absent_reason_code, interpretation_code
      FROM observation_component ORDER BY code`,
      [
        ['8462-4', null, null, 'error', null],
        ['8480-6', 148, 'mm[Hg]', null, 'H'],
      ],
    ],
    [
      'a code that is not the first one is found in the table of codings',
      `
      SELECT o.id, o.code FROM observation_coding c JOIN observation o ON o._resource_key = c.observation_key
      WHERE c.code_system = 'http://loinc.org' AND c.code = '1988-5'`,
      [['crp', 'CRP']],
    ],
    [
      'a request that refers to its medication joins to the codes of it',
      `
      SELECT r.id, r.medication_code, m.code, r.dose, r.frequency, r.as_needed, r.refills
      FROM medication_request r JOIN medication_coding m USING (medication_key) ORDER BY m.code`,
      [
        ['inhaler', null, '0173-0682-20', 2, 4, true, 5],
        ['inhaler', null, '745679', 2, 4, true, 5],
      ],
    ],
    [
      'a medication that the request contains is as good as a code in the request',
      `
      SELECT medication_code, medication_text, medication_key, (SELECT list(c.code ORDER BY coding_index)
        FROM medication_request_coding c WHERE c.medication_request_key = r._resource_key)
      FROM medication_request r WHERE id = 'drops'`,
      [['1648', 'timolol 0.5 % drops', null, ['1648', '24208-0485-10']]],
    ],
    [
      'a blood pressure is one row, and says why a value is missing',
      `
      SELECT observation_key, systolic, systolic_unit_code, diastolic, diastolic_absent_code FROM blood_pressure`,
      [['us_core/Observation/bp', 148, 'mm[Hg]', null, 'error']],
    ],
    [
      'a smoking status is found by its LOINC code',
      `
      SELECT patient_key, value_code, value_text FROM smoking_status`,
      [['us_core/Patient/ben', '266919005', 'never']],
    ],
    [
      'all races and ethnicities of a patient are rows',
      `
      SELECT kind, detail, value_index, code FROM patient_race_ethnicity ORDER BY kind, detail, value_index`,
      [
        ['ethnicity', 'category', 0, '2186-5'],
        ['race', 'category', 0, '2106-3'],
        ['race', 'category', 1, '1002-5'],
      ],
    ],
    [
      'the coverage of a claim is the focal one',
      `
      SELECT c.id, subscriber_id, group_name, plan_value, p.id FROM claim JOIN coverage c
      ON c._resource_key = claim.coverage_key JOIN patient p ON p._resource_key = c.subscriber_key`,
      [['plan-b', 'S1', 'Mill workers', 'B', 'ben']],
    ],
    [
      'the amounts of a line are taken by the code of their category, whichever coding it is',
      `
      SELECT sequence, net_amount, submitted_amount, allowed_amount, coinsurance_amount, copay_amount, benefit_amount,
        member_liability_amount, deductible_amount FROM explanation_of_benefit_item`,
      [[1, 200.5, 200.5, 150, 15, 20, 115, 35, null]],
    ],
    [
      'the totals and the payment of an explanation of benefit are amounts of its row',
      `
      SELECT total_submitted_amount, total_benefit_amount, total_member_liability_amount, payment_amount,
        payment_date::VARCHAR FROM explanation_of_benefit`,
      [[200.5, 115, 35, 115, '2024-03-22']],
    ],
    [
      'a diagnosis of a payer is a code or a key',
      `
      SELECT sequence, diagnosis_code, condition_key, type_code
      FROM explanation_of_benefit_diagnosis ORDER BY sequence`,
      [
        [1, 'J18.9', null, 'principal'],
        [2, null, 'us_core/Condition/pneumonia', null],
      ],
    ],
    [
      'an onset is in the column of its kind',
      `
      SELECT id, epoch_ms(onset_datetime), onset_age, onset_age_unit_code, abatement_string
      FROM condition ORDER BY id`,
      [
        ['asthma', null, 7, 'a', null],
        ['pneumonia', Date.UTC(2024, 1, 27), null, null, 'at death'],
      ],
    ],
    [
      'each coding has its place in the list',
      `
      SELECT coding_index, code, user_selected FROM condition_coding ORDER BY coding_index`,
      [
        [0, 'J18.9', true],
        [1, '233604007', null],
      ],
    ],
  ]

  test.each(promises)('%s', async (_promise, sql, rows) => {
    await session.run('USE us_core')
    try {
      expect((await session.rows(sql)).map((row) => Object.values(row))).toEqual(rows)
    } finally {
      await session.run('USE main')
    }
  })
})

/** The columns whose description says which table's `_resource_key` they join to. */
function joins(): { view: string; column: string; table: string }[] {
  return definitions.flatMap(({ name: view, columns }) =>
    columns.flatMap(({ name: column, description = '' }) => {
      const table = /joins to `(\w+)\._resource_key`/.exec(description)?.[1]
      return table === undefined ? [] : [{ view, column, table }]
    }),
  )
}

function sqlType({ type, tag }: DefinedColumn): string {
  const asked = tag?.find(({ name }) => name === 'ansi/type')?.value
  if (asked !== undefined) return asked === 'DOUBLE PRECISION' ? 'DOUBLE' : asked
  if (type === 'boolean') return 'BOOLEAN'
  return type !== undefined && ['integer', 'positiveInt', 'unsignedInt'].includes(type) ? 'INTEGER' : 'VARCHAR'
}

function asByHand(value: unknown, column: DefinedColumn, schema: string): string {
  if (value instanceof Date) {
    return sqlType(column) === 'DATE' ? value.toISOString().slice(0, 10) : String(value.getTime())
  }
  return column.name.endsWith('_key') ? String(value).replace(new RegExp(`^${schema}/`), '') : String(value)
}
