/** While it makes the rows, a view notes each resource of which it lacks something: nothing is counted for nothing. */
import { readdir, readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { compileView, type CompiledView } from '../../src/views/compile.ts'
import { loadViews } from '../../src/views/library.ts'
import { seeded } from './differential/random.ts'
import { openBench, relation, runNoting, type Bench } from './run-view.ts'
import { wrongResource } from './wrong-resource.ts'

const FIXTURES = new URL('../fixtures/', import.meta.url)
const WRONG_ONES = 60
const SOUND_ONES = 60

let bench: Bench
beforeAll(async () => {
  bench = await openBench()
})
afterAll(() => bench.close())

/** Resources of the fixtures as they are, then with values replaced. */
async function makeTable(type: string, seed: number): Promise<{ readonly sound: number }> {
  const sound = await fixtures('synthea/', type)
  const made = wrongOnes(seed, [...sound, ...(await fixtures('us-core/', type))])
  await bench.rows(`CREATE OR REPLACE TABLE resource AS FROM ${relation([...sound, ...made])}`)
  return { sound: sound.length }
}

async function fixtures(folder: string, type: string): Promise<object[]> {
  const files = (await readdir(new URL(folder, FIXTURES))).filter((name) => name.startsWith(`${type}.`))
  const texts = await Promise.all(files.map((name) => readFile(new URL(folder + name, FIXTURES), 'utf8')))
  const lines = texts.flatMap((text) => text.split('\n').filter((line) => line !== ''))
  return lines.slice(0, SOUND_ONES).map((line) => JSON.parse(line) as object)
}

function wrongOnes(seed: number, sound: readonly object[]): object[] {
  const random = seeded(seed)
  return Array.from({ length: WRONG_ONES }, () => wrongResource(random, random.pick(sound)))
}

/** Places of the resources of the table that lack something; of so many it is noted, and the rows are the same. */
async function lossyPlaces(view: CompiledView): Promise<number[]> {
  const losses = view.lossSql({ from: '(SELECT r.json AS json)', json: 'json' })
  const lossy = await bench.rows(`SELECT DISTINCT place FROM resource AS r, LATERAL (${losses}) AS loss ORDER BY place`)
  const { rows, noted } = await runNoting(bench, view, 'resource')
  expect([view.name, noted]).toEqual([view.name, lossy.length])
  expect(rows).toEqual(await bench.rows(view.sql({ from: 'resource', json: 'json', carry: [] })))
  return lossy.map((row) => row['place'] as number)
}

test('shipped views note each resource of which something is lost, no other, and make the same rows', async () => {
  const views = await loadViews(new URL('../../schemas/views/us-core/', import.meta.url).pathname)
  for (const type of new Set(views.map((view) => view.resource))) {
    const { sound } = await makeTable(type, 7)
    for (const view of views.filter((one) => one.resource === type)) {
      const [first = -1] = await lossyPlaces(view)
      expect([view.name, first]).toSatisfy(() => first >= sound)
    }
  }
}, 120_000)

const day = (name: string, path: string) => ({ name, path, tag: [{ name: 'ansi/type', value: 'DATE' }] })
const text = (name: string, path: string) => ({ name, path })

const period = { start: '2020-01-01', end: '2021' }
const phone = { system: 'phone', value: '1', period }
const name = { use: 'usual', family: 'A', given: ['B', 'C'], period }
const PATIENT = {
  ...{ resourceType: 'Patient', gender: 'other', birthDate: '1990', active: true },
  ...{ name: [name, name], address: [{ period }], telecom: [phone, { ...phone, system: 'email' }] },
  contact: [{ period, telecom: [phone, phone] }, { period }],
}
const ITEM = { linkId: '1', answer: [{ valueDate: '2024-01-01' }, { valueString: 'x' }] }
const RESPONSE = { resourceType: 'QuestionnaireResponse', item: [{ ...ITEM, item: [ITEM, { ...ITEM, item: [ITEM] }] }] }

const phones = [{ forEach: 'telecom', column: [text('phone', 'value'), day('day', 'period.end')] }]
const contacts = [day('since', 'period.start'), text('place', '%rowIndex')]
const named = [day('named', 'iif(%rowIndex = 0, period.start, period.end)')]
const union = [
  { forEach: 'name', column: [day('day', 'period.start'), text('text', 'use')] },
  { forEachOrNull: 'address', column: [day('day', 'period.end'), text('text', "'a'")] },
  { column: [day('day', 'birthDate'), text('text', "telecom.where(system = 'phone').value")] },
]
const lists = [
  { ...day('days', 'address.period.start'), collection: true },
  { ...text('given', 'name.given'), collection: true },
  text('last', 'name.last().given.last()'),
]

test.each([
  {
    of: 'forEach in forEachOrNull',
    definition: { select: [{ forEachOrNull: 'contact', column: contacts, select: phones }] },
  },
  { of: 'forEach beside forEach', definition: { select: [...phones, { forEach: 'name', column: named }] } },
  { of: 'unionAll', definition: { select: [{ unionAll: union }] } },
  { of: 'unionAll in forEachOrNull', definition: { select: [{ forEachOrNull: '$this', unionAll: union }] } },
  { of: 'lists', definition: { select: [{ column: lists }] } },
  { of: 'where', definition: { where: [{ path: 'active' }], select: [{ column: lists }] } },
  {
    of: 'repeat',
    definition: {
      resource: 'QuestionnaireResponse',
      select: [{ repeat: ['item'], column: [text('link', 'linkId'), day('day', 'answer.value.ofType(date).first()')] }],
    },
  },
])('so does a view of $of', async ({ definition }) => {
  const made = wrongOnes(8, [PATIENT, RESPONSE])
  await bench.rows(`CREATE OR REPLACE TABLE resource AS FROM ${relation(made)}`)
  const lossy = await lossyPlaces(compileView({ resource: 'Patient', ...definition }))
  expect(lossy.length).toBeGreaterThan(0)
})
