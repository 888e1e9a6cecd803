/** Whatever the data's shape, a query gives rows: what is not what FHIR has there is missing, and nothing else is. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { compileView } from '../../src/views/compile.ts'
import { openBench, relation, runView, viewOf, type Bench } from './run-view.ts'

let bench: Bench
beforeAll(async () => {
  bench = await openBench()
})
afterAll(() => bench.close())

const patient = (more: object) => ({ resourceType: 'Patient', id: 'p', ...more })

test('an object or a list where text is due is NULL; a text that looks like one stays', async () => {
  const view = viewOf('Patient', {
    gender: 'gender',
    given: { path: 'name.given', collection: true },
    first: 'name.family.first()',
    missing: 'gender.empty()',
  })
  const rows = await runView(bench, view, [
    patient({ gender: { code: 'f' }, name: [{ family: ['A'], given: ['x', { y: 1 }, [], 'z'] }] }),
    patient({ gender: ['f'] }),
    patient({ gender: '{"code":"f"}', name: [{ family: '[1]', given: ['[in_i]', '{score}', '[]'] }] }),
    patient({ gender: 5, name: [{ family: true }] }),
    String.raw`{"resourceType": "Patient", "gender": "\u007b\u0022a\u0022:\u0022\u00e4\/\u0022}", "name": []}`,
  ])
  expect(rows).toEqual([
    { gender: null, given: ['x', 'z'], first: null, missing: true },
    { gender: null, given: [], first: null, missing: true },
    { gender: '{"code":"f"}', given: ['[in_i]', '{score}', '[]'], first: '[1]', missing: false },
    { gender: '5', given: [], first: 'true', missing: false },
    { gender: '{"a":"ä/"}', given: [], first: null, missing: false },
  ])
})

test('so it is below forEach, unionAll and repeat, where a filter asks, and beside decimals kept as written', async () => {
  const system = { system: 'phone' }
  const contact = {
    telecom: [
      { ...system, value: { x: 1.5 } },
      { ...system, value: '{"x":1.50}' },
    ],
    name: { text: [] },
  }
  const view = {
    resource: 'Patient',
    select: [
      { column: [{ name: 'id', path: 'id' }] },
      {
        forEach: 'contact',
        select: [
          {
            unionAll: [
              { column: [{ name: 'v', path: 'name.text' }] },
              { forEachOrNull: 'telecom', column: [{ name: 'v', path: "value.where($this != 'x')" }] },
            ],
          },
          { forEach: 'telecom', column: [{ name: 't', path: 'value' }] },
        ],
      },
      { column: [{ name: 'd', path: 'extension.value.ofType(decimal).first()', type: 'decimal' }] },
    ],
  }
  const rows = await runView(bench, view, [patient({ contact: [contact], extension: [{ valueDecimal: 1.5 }] })])
  expect(rows.map(({ v, t, d }) => [v, t, d])).toEqual(
    [null, null, '{"x":1.50}'].flatMap((v) => [null, '{"x":1.50}'].map((t) => [v, t, '1.5'])),
  )
  const items = {
    resource: 'Questionnaire',
    select: [{ repeat: ['item'], column: [{ name: 'link', path: 'linkId' }] }],
  }
  const item = [{ linkId: { a: 1 }, item: [{ linkId: '[2]' }, { linkId: [2, 3] }] }]
  expect((await runView(bench, items, [{ resourceType: 'Questionnaire', item }])).map(({ link }) => link)).toEqual([
    null,
    '[2]',
    null,
  ])
})

test('a text lost to its shape is counted, with its element and for each column', async () => {
  const view = viewOf('Patient', {
    gender: 'gender',
    given: { path: 'name.given', collection: true },
    family: 'name.family.first()',
  })
  const rows = await bench.rows(
    compileView(view).lossSql({
      from: relation([
        patient({ gender: { code: 'f' }, name: [{ family: ['A'], given: ['x', { y: 1 }, [], '{"y":1}'] }] }),
        patient({ gender: '["f"]', name: [{ family: 5 }, { family: {} }, { family: '{score}' }] }),
      ]),
      json: 'json',
    }),
  )
  expect(rows.map(({ column, element, wanted, values }) => [column, element, wanted, Number(values)]).sort()).toEqual([
    ['family', 'name.family', 'text', 2],
    ['gender', 'gender', 'text', 1],
    ['given', 'name.given', 'text', 2],
  ])
})

test('a regular expression that comes of the data and is none matches nothing', async () => {
  const view = viewOf('Patient', { is: 'gender.matches(id)', whole: 'gender.matchesFull(id)' })
  const rows = await runView(bench, view, [patient({ id: '(', gender: 'x' }), patient({ id: 'x', gender: 'x' })])
  expect(rows).toEqual([
    { is: null, whole: null },
    { is: true, whole: true },
  ])
})
