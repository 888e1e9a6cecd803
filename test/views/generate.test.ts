/** The default tables of every resource type, over resources that have every element and over FHIR's own examples. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sqlText } from '../../src/core/sql.ts'
import { compileView } from '../../src/views/compile.ts'
import { fhirTypes } from '../../src/views/fhir-types.ts'
import { generateViews } from '../../src/views/generate/generate.ts'
import { areThereExamples, readExamples } from './examples.ts'
import { checkView, columnsOf } from './generate-check.ts'
import { makeResources } from './generate-resource.ts'
import { openBench, type Bench } from './run-view.ts'

const types = fhirTypes('R4')
const byType = new Map(types.resourceNames().map((type) => [type, generateViews(type, types)]))
const all = [...byType.values()].flat()
const compiled = new Map(all.map((view) => [view, compileView(view)]))

/**
 * Names of a SubstanceSpecification's names are rows of a table of their own, which a count by path can not tell; the
 * steps of an ExampleScenario's process hold processes, or alternatives with steps again, and those are not reached.
 */
const NOT_COUNTED = /^substance_specification_name|^example_scenario_process/
/** Or whose examples break FHIR's own rules. */
const NOT_COUNTED_OF_EXAMPLES = /at any depth|^substance_specification_name/

let bench: Bench
beforeAll(async () => {
  bench = await openBench()
})
afterAll(() => bench.close())

const namesOf = (type: string) => byType.get(type)!.map((view) => view.name)
const columnNames = (table: string) =>
  all
    .find((view) => view.name === table)!
    .select.flatMap(columnsOf)
    .map((column) => column.name)

describe('names', () => {
  test('a table is called by its type and the way to its element, one for all that repeats', () => {
    expect(namesOf('Patient')).toEqual([
      'patient',
      'patient_coding',
      'patient_identifier',
      'patient_name',
      'patient_telecom',
      'patient_address',
      'patient_photo',
      'patient_contact',
      'patient_contact_coding',
      'patient_contact_telecom',
      'patient_communication',
      'patient_communication_coding',
      'patient_general_practitioner',
      'patient_link',
    ])
  })

  test('a column is called by the way to it in the JSON, with the place of its row and the key of its resource', () => {
    expect(columnNames('patient_contact').slice(0, 9)).toEqual([
      'patient_key',
      'contact_index',
      'relationship_code',
      'relationship_system',
      'relationship_display',
      'relationship_text',
      'name_use',
      'name_text',
      'name_family',
    ])
    expect(columnNames('claim_item_detail_sub_detail').slice(0, 4)).toEqual([
      'claim_key',
      'item_index',
      'detail_index',
      'sub_detail_index',
    ])
    expect(columnNames('observation')).toEqual(
      expect.arrayContaining([
        'value_quantity_value',
        'value_quantity_unit',
        'value_codeable_concept_code',
        'effective_datetime',
      ]),
    )
  })

  test('what SQL reserves, what is taken and what is too long gets the name that the rule says', () => {
    expect(columnNames('coverage')).toContain('coverage_order')
    expect(columnNames('appointment')).toContain('appointment_end')
    expect(namesOf('Group')[0]).toBe('group_resource')
    expect(columnNames('claim_related').slice(0, 3)).toEqual(['claim_key', 'related_index', 'related_claim_key'])
    expect(namesOf('ExplanationOfBenefit')).toContain('eob_add_item_detail_sub_detail_adjudication')
  })

  test('no two tables have one name, no two columns of a table, and none is reserved or longer than 63 characters', async () => {
    const reserved = await bench.rows(
      `SELECT keyword_name AS name FROM duckdb_keywords() WHERE keyword_category IN ('reserved', 'type_function')`,
    )
    const names = new Set(reserved.map((row) => row.name))
    expect(new Set(all.map((view) => view.name)).size).toBe(all.length)
    for (const view of all) {
      const columns = compiled.get(view)!.columns.map((column) => column.name)
      expect(new Set(columns).size, view.name).toBe(columns.length)
      for (const name of [view.name, ...columns]) {
        expect(name, view.name).toMatch(/^[a-z][a-z0-9_]{0,62}$/)
        expect(names, view.name).not.toContain(name)
      }
    }
  })
})

test.each(['R4B', 'R5'] as const)('the tables of every type of %s compile and have names of their own', (release) => {
  const known = fhirTypes(release)
  const views = known.resourceNames().flatMap((type) => generateViews(type, known))
  expect(new Set(views.map((view) => view.name)).size).toBe(views.length)
  for (const view of views) {
    const { columns } = compileView(view)
    expect(new Set(columns.map((column) => column.name)).size, view.name).toBe(columns.length)
  }
})

test.skipIf(areThereExamples)('the examples of R4 are not there: STOKER_R4_EXAMPLES names no folder', () => undefined)

test.each(types.resourceNames())(
  'the tables of %s hold each element as often as it is there, of resources that have every one and of FHIR’s examples',
  async (type) => {
    const made = makeResources(type, types)
    const examples = await readExamples(type)
    const values = [
      ...made.resources.map((one) => `('made', ${sqlText(JSON.stringify(one))})`),
      ...examples.texts.map((text) => `('examples', ${sqlText(text)})`),
    ]
    const counts = new Map([['made', made.counts] as const, ['examples', examples.counts] as const])
    await bench.connection.run(
      `CREATE OR REPLACE TEMP TABLE resources AS SELECT * FROM (VALUES ${values.join(', ')}) AS t(_origin, json)`,
    )
    const problems: string[] = []
    for (const view of byType.get(type)!) {
      const found = await checkView(bench.connection, view, compiled.get(view)!, 'resources', counts)
      if (!NOT_COUNTED.test(view.name)) problems.push(...found.get('made')!.problems)
      if (!NOT_COUNTED_OF_EXAMPLES.test(`${view.name} ${view.description}`))
        problems.push(...found.get('examples')!.problems)
      const missing = found.get('made')!.empty.filter((name) => !(view.name.endsWith('_coding') && name === 'text'))
      problems.push(...missing.map((name) => `${view.name}.${name} is always NULL`))
    }
    expect(problems).toEqual([])
  },
)
