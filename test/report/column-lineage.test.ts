/** What columns are made of, against what was found by reading the views. */
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { compileView, type CompiledView } from '../../src/views/compile.ts'
import { loadViews } from '../../src/views/library.ts'
import { columnLineage } from '../../src/report/open-lineage/datasets.ts'

const SHIPPED = new URL('../../schemas/views/us-core/', import.meta.url)

async function shipped(name: string): Promise<CompiledView> {
  return compileView(JSON.parse(await readFile(new URL(`${name}.json`, SHIPPED), 'utf8')))
}

/** By column: its elements, those in brackets only computed with, those after a ? only conditions. */
function told(view: CompiledView): Record<string, string> {
  const signs = { value: (e: string) => e, part: (e: string) => `(${e})`, condition: (e: string) => `?${e}` }
  return Object.fromEntries(
    view
      .lineage()
      .columns.map(({ name, elements }) => [name, elements.map(({ element, use }) => signs[use](element)).join(' ')]),
  )
}

test('columns of patient name the elements they hold, those they are made of, and those that choose among several', async () => {
  const view = await shipped('patient')
  expect(told(view)).toMatchObject({
    id: 'id',
    birth_date: 'birthDate',
    deceased_boolean: 'deceasedBoolean',
    deceased_datetime: 'deceasedDateTime',
    // The official name, or the one in use, or the first.
    family_name: 'name.family ?name.use',
    given_name: '(name.given) ?name.use',
    phone: 'telecom.value ?telecom.system',
    email: 'telecom.value ?telecom.system',
    medical_record_number: 'identifier.value ?identifier.type.coding.code',
    birth_sex: 'extension.valueCode ?extension.url',
    race_code: 'extension.extension.valueCoding.code ?extension.url ?extension.extension.url',
    marital_status_code: 'maritalStatus.coding.code',
    general_practitioner_key: '(generalPractitioner.reference)',
    managing_organization_key: '(managingOrganization.reference)',
  })
  expect(view.lineage().rowsDependOn).toEqual([])
})

test('a column of a choice names every alternative that it may hold', async () => {
  expect(told(await shipped('observation'))).toMatchObject({
    patient_key: '(subject.reference)',
    effective_datetime: 'effectiveDateTime effectiveInstant effectivePeriod.start',
    effective_end: 'effectivePeriod.end',
    value_quantity: 'valueQuantity.value',
    value_code: 'valueCodeableConcept.coding.code',
    value_numerator: 'valueRatio.numerator.value',
  })
})

test('below a forEach columns name the element from the top of the resource, and an index is made of nothing', async () => {
  expect(told(await shipped('patient_name'))).toMatchObject({
    patient_key: '(id)',
    name_index: '',
    name_use: 'name.use',
    family_name: 'name.family',
    name_suffix: '(name.suffix)',
    period_start: 'name.period.start',
  })
})

test('what chooses the rows of a table depends on is told of the table, and branches of a unionAll are told together', async () => {
  const view = await shipped('patient_race_ethnicity')
  expect(told(view)).toMatchObject({ kind: '', code: 'extension.extension.valueCoding.code' })
  expect(view.lineage().rowsDependOn).toEqual(['extension.extension.url', 'extension.url'])
})

test('a view is told with its condition, its repeat and its constants', () => {
  const view = compileView({
    resource: 'QuestionnaireResponse',
    name: 'answers',
    constant: [{ name: 'done', valueCode: 'completed' }],
    where: [{ path: 'status = %done' }],
    select: [
      { column: [{ name: 'is_late', path: 'authored > @2026-01-01' }] },
      {
        repeat: ['item', 'answer.item'],
        column: [
          { name: 'link', path: 'linkId' },
          { name: 'word', path: 'iif(text.exists(), text, linkId)' },
        ],
      },
    ],
  })
  expect(told(view)).toEqual({
    is_late: '(authored)',
    link: 'item.linkId item.item.linkId item.answer.item.linkId',
    word: 'item.text item.item.text item.answer.item.text item.linkId item.item.linkId item.answer.item.linkId',
  })
  expect(view.lineage().rowsDependOn).toEqual(['status'])
})

test('of every shipped view each column is made of something, but for indexes and words of our own', async () => {
  const odd = (await loadViews(SHIPPED.pathname)).flatMap((view) =>
    view
      .lineage()
      .columns.filter(({ elements }) => elements.length === 0)
      .map(({ name }) => `${view.name}.${name}`),
  )
  const isOwn = /(_index|_number|\.kind|\.detail)$/
  expect(odd.filter((column) => !isOwn.test(column))).toEqual([])
})

test('as a facet, a value is an identity, what is computed a transformation, and a condition indirect', async () => {
  const view = await shipped('patient')
  const { fields } = columnLineage(
    { ...view, columns: view.columns },
    { namespace: 'https://fhir.example.org', name: '/r4/Patient' },
  ) as { fields: Record<string, { inputFields: object[] }> }
  const place = { namespace: 'https://fhir.example.org', name: '/r4/Patient' }
  expect(fields.given_name).toEqual({
    inputFields: [
      { ...place, field: 'name.given', transformations: [{ type: 'DIRECT', subtype: 'TRANSFORMATION' }] },
      { ...place, field: 'name.use', transformations: [{ type: 'INDIRECT', subtype: 'CONDITIONAL' }] },
    ],
  })
  expect(fields.birth_date!.inputFields).toMatchObject([
    { field: 'birthDate', transformations: [{ type: 'DIRECT', subtype: 'IDENTITY' }] },
  ])
  expect(fields._resource_key!.inputFields).toMatchObject([{ field: 'id' }])
  expect(fields).not.toHaveProperty('_run')
})
