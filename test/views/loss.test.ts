/** What a view lacks because the data has a wrong shape is counted, by column and by what was wanted. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { compileView } from '../../src/views/compile.ts'
import { openBench, relation, runNoting, viewOf, type Bench } from './run-view.ts'

let bench: Bench
beforeAll(async () => {
  bench = await openBench()
})
afterAll(() => bench.close())

/** Losses as sentences. While it makes the rows, the view notes whether there are any. */
async function losses(definition: object, resources: readonly object[]): Promise<string[]> {
  const view = compileView(definition)
  const rows = await bench.rows(view.lossSql({ from: relation(resources), json: 'json' }))
  expect((await runNoting(bench, view, relation(resources))).noted > 0).toBe(rows.length > 0)
  return (rows as unknown as readonly Loss[])
    .map(({ column, element, wanted, values }) => `${column ?? '-'} (${element ?? 'value'}): ${values} not ${wanted}`)
    .sort()
}

interface Loss {
  readonly column: string | null
  readonly element: string | null
  readonly wanted: string
  readonly values: string
}

const type = (value: string) => ({ tag: [{ name: 'ansi/type', value }] })
const patient = (more: object) => ({ resourceType: 'Patient', id: 'p', ...more })

test('values that are not what a typed column wants are counted', async () => {
  const view = viewOf('Patient', {
    born: { path: 'birthDate', ...type('DATE') },
    number: { path: "extension('d').value.ofType(decimal).first()", ...type('DECIMAL(9,2)') },
    died: { path: 'deceased.ofType(dateTime)', ...type('TIMESTAMP') },
    names: { path: 'name.text', collection: true, ...type('INTEGER') },
    text: 'birthDate',
  })
  expect(
    await losses(view, [
      patient({ birthDate: '1956-10-14', name: [{ text: '1' }] }),
      patient({ birthDate: '1956', deceasedDateTime: '2020' }),
      patient({ birthDate: 'unknown', deceasedDateTime: 'yes', name: [{ text: 'a' }, { text: '2' }] }),
      patient({ birthDate: '1956-13-40', extension: [{ url: 'd', valueDecimal: 'much' }] }),
      patient({}),
      { resourceType: 'Device', birthDate: 'x' },
    ]),
  ).toEqual([
    'born (value): 2 not dates',
    'died (value): 1 not instants',
    'names (value): 1 not whole numbers',
    'number (value): 1 not numbers',
  ])
})

test('elements of a wrong shape are counted at any depth, for every column that reads them', async () => {
  const view = {
    resource: 'Patient',
    select: [
      {
        column: [
          { name: 'id', path: 'id' },
          { name: 'active', path: 'active' },
          { name: 'family', path: 'name.first().family' },
          { name: 'names', path: 'name.count()' },
          { name: 'status', path: 'maritalStatus.text' },
          { name: 'given', path: 'name.given', collection: true },
        ],
      },
      { forEachOrNull: 'telecom', column: [{ name: 'rank', path: 'rank' }] },
    ],
  }
  expect(
    await losses(view, [
      patient({
        active: true,
        maritalStatus: { text: 'x' },
        name: [{ family: 'a', given: ['b', null] }],
        telecom: [{}],
      }),
      patient({ active: 'maybe', maritalStatus: 'M', name: { family: 'a' }, telecom: {} }),
      patient({ active: 'true', maritalStatus: [{ text: 'M' }], name: ['c', { given: 'b' }] }),
      patient({ telecom: [{ rank: 'first' }, { rank: 2 }, { rank: 'last' }, {}], name: null, active: null }),
      patient({ name: [], contact: [{ name: { family: 5 } }], maritalStatus: {} }),
    ]),
  ).toEqual([
    '- (telecom): 1 not lists',
    'active (active): 1 not true or false',
    'family (name): 2 not lists',
    'given (name): 2 not lists',
    'given (name.given): 1 not lists',
    'names (name): 2 not lists',
    'rank (telecom.rank): 2 not whole numbers',
    'status (maritalStatus): 2 not objects',
  ])
})

test('several values where one is promised are counted, once for each row that lacks them', async () => {
  const view = {
    resource: 'Patient',
    where: [{ path: 'active' }],
    select: [{ forEach: 'contact', column: [{ name: 'phone', path: "telecom.where(system = 'phone').value" }] }],
  }
  const phone = { system: 'phone', value: '1' }
  const contact = [{ telecom: [phone, phone] }, { telecom: [phone] }, { telecom: [phone, phone, phone] }]
  expect(await losses(view, [patient({ active: true, contact }), patient({ active: false, contact })])).toEqual([
    'phone (value): 2 not single',
  ])
})

test('losses under unionAll and repeat are those of their columns', async () => {
  const day = (name: string, path: string) => ({ name, path, ...type('DATE') })
  const view = {
    resource: 'Patient',
    select: [
      {
        unionAll: [
          { forEach: 'name', column: [day('from', 'period.start'), { name: 'kind', path: "'n'" }] },
          { forEach: 'address', column: [{ ...day('from', 'period.end') }, { name: 'kind', path: "'a'" }] },
        ],
      },
    ],
  }
  const period = (value: string) => [{ period: { start: value, end: value } }]
  expect(
    await losses(view, [patient({ name: period('x'), address: period('2020') }), patient({ address: period('y') })]),
  ).toEqual(['from (value): 2 not dates'])
  const items = {
    resource: 'QuestionnaireResponse',
    select: [{ repeat: ['item'], column: [day('day', 'answer.value.ofType(date).first()')] }],
  }
  const item = [{ item: [{ answer: [{ valueDate: 'soon' }] }] }]
  expect(await losses(items, [{ resourceType: 'QuestionnaireResponse', item }])).toEqual(['day (value): 1 not dates'])
})

test('nothing lost is no row', async () => {
  expect(await losses(viewOf('Patient', { id: 'id' }), [patient({ name: 'x' })])).toEqual([])
  expect(await losses(viewOf('Patient', { n: '1' }), [patient({})])).toEqual([])
})
