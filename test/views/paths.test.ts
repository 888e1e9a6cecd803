/** FHIRPath on real values in DuckDB: logic of three values, collections, texts, numbers, dates. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openBench, runView, valuesOf, viewOf, type Bench } from './run-view.ts'

let bench: Bench
beforeAll(async () => {
  bench = await openBench()
})
afterAll(() => bench.close())

const patient = {
  resourceType: 'Patient',
  id: 'p',
  active: true,
  gender: 'female',
  birthDate: '1956-10',
  name: [
    { use: 'old', family: 'A', given: ['x', null, 'y'] },
    { use: 'official', family: 'B', given: ['z'] },
    { family: 'C' },
  ],
  _birthDate: { extension: [{ url: 'http://x/time', valueDateTime: '1956-10-14T01:02:03Z' }] },
  contained: [
    { resourceType: 'Organization', id: 'o', name: 'Org' },
    { resourceType: 'Practitioner', id: 'd', gender: 'male' },
  ],
}

/** `expected` by path. */
async function check(resource: { resourceType: string } | string, expected: Record<string, unknown>): Promise<void> {
  const paths = Object.keys(expected)
  const values = await valuesOf(bench, resource, paths)
  expect(Object.fromEntries(paths.map((path, place) => [path, values[place]]))).toEqual(expected)
}

test('and, or, xor, implies and not know true, false and empty', async () => {
  // `deceased.ofType(boolean)` is empty here, `active` true.
  const [t, f, e] = ['active', 'active.not()', 'deceased.ofType(boolean)']
  await check(patient, {
    [`${t} and ${e}`]: null,
    [`${f} and ${e}`]: false,
    [`${e} and ${e}`]: null,
    [`${t} or ${e}`]: true,
    [`${f} or ${e}`]: null,
    [`${t} xor ${e}`]: null,
    [`${t} xor ${f}`]: true,
    [`${t} implies ${e}`]: null,
    [`${f} implies ${e}`]: true,
    [`${e} implies ${t}`]: true,
    [`${e} implies ${f}`]: null,
    [`${e}.not()`]: null,
    [`${e} = true`]: null,
    [`${e} != true`]: null,
    [`${e}.exists()`]: false,
    [`${e}.empty()`]: true,
    '{} = 1': null,
    'deceased.exists()': false,
    'deceased.empty()': true,
  })
})

test('collections: criteria, subsets, equality of lists, membership', async () => {
  await check(patient, {
    "name.exists(use = 'old')": true,
    "name.exists(use = 'usual')": false,
    "name.where(use != 'old').count()": 1,
    'name.count()': 3,
    'name.given.count()': 3,
    'name.all(family.exists())': true,
    "name.all(use = 'old')": false,
    "contact.all(gender = 'x')": true,
    'name[1].family': 'B',
    'name.last().family': 'C',
    'name.skip(1).first().family': 'B',
    'name.tail().count()': 2,
    'name.take(2).last().family': 'B',
    'name.where($index = 2).family.first()': 'C',
    'name.select(given.first()).count()': 2,
    "name.family = 'A'": false,
    "name.where(use = 'old').family = 'A'": true,
    "contact.name.family = 'A'": null,
    "'B' in name.family": true,
    "name.family contains 'D'": false,
    'name.use.distinct().count()': 2,
    '(name.use | name.family).count()': 5,
    '(gender | id).first()': 'female',
    '(deceased.ofType(dateTime) | birthDate).first()': '1956-10',
    'name.given.isDistinct()': true,
    'name.exists().allTrue()': true,
    "iif(active, 'yes', 'no')": 'yes',
    "name.first().given.join('-')": 'x-y',
    'contact.name.family.join()': null,
    'Patient.id': 'p',
    '%resource.id': 'p',
  })
})

test('primitive extensions and contained resources are reached', async () => {
  await check(patient, {
    "birthDate.extension('http://x/time').value.ofType(dateTime).first()": '1956-10-14T01:02:03Z',
    'contained.ofType(Organization).name.first()': 'Org',
    'contained.ofType(Practitioner).gender.first()': 'male',
    'contained.ofType(Medication).exists()': false,
  })
})

test('texts', async () => {
  await check(patient, {
    "gender.startsWith('fe')": true,
    "gender.contains('mal')": true,
    "gender.matches('^f.*e$')": true,
    'gender.length()': 6,
    'gender.upper()': 'FEMALE',
    'gender.substring(2)': 'male',
    'gender.substring(2, 2)': 'ma',
    'gender.substring(9)': null,
    "gender.indexOf('male')": 2,
    "gender.replace('fe', '')": 'male',
    "gender & {} & '!'": 'female!',
    "gender + '!'": 'female!',
    'deceased.ofType(dateTime) is dateTime': null,
    'gender is string': true,
    "'it\\'s'": "it's",
    "gender.split('m').last()": 'ale',
    'gender.trim()': 'female',
    "gender.replaceMatches('[aeiou]', '')": 'fml',
    "gender.replaceMatches('(?<a>f)(e)', '$2${a}\\\\1')": 'ef\\1male',
  })
})

test('decimals keep the digits the server wrote, in columns, arithmetic and boundaries', async () => {
  const text = (value: string) =>
    `{"resourceType": "Observation", "id": "says \\"value\\": 1.50 }", "status": "1.0", ` +
    `"valueQuantity": {"value": ${value}, "unit": "7.0"}}`
  const value = 'value.ofType(Quantity).value'
  await check(text('1.50'), {
    [value]: '1.50',
    id: 'says "value": 1.50 }',
    status: '1.0',
    [`${value}.lowBoundary()`]: '1.495',
    [`${value}.highBoundary()`]: '1.505',
    [`${value} + 0.1`]: '1.6',
    '0.1 + 0.2': '0.3',
    '0.1 + 0.2 = 0.3': true,
    [`${value} = 1.5`]: true,
    [`${value} / 3`]: '0.5',
    [`${value} / 0`]: null,
    '7 div 2': 3,
    '7 mod 2': 1,
    '7 / 2': '3.5',
    '2147483647 + 1 > 0': true,
    [`-${value}`]: '-1.5',
    [`${value}.round(0)`]: '2',
    [`${value}.floor()`]: 1,
  })
  for (const exact of [
    '12345678901234567890.123456789',
    '1e-7',
    '100',
    '-0.0',
    '20.0',
    '0.0000012',
    '0.00012',
    '123456.7890123456',
    '1e300',
    '5',
  ])
    await check(text(exact), { [value]: exact })
})

test('dates compare by precision: what is not known is empty', async () => {
  const other = {
    resourceType: 'Observation',
    effectiveDateTime: '2020-01-01T10:00:00+02:00',
    issued: '2020-01-01T08:00:00.000Z',
  }
  await check(patient, {
    'birthDate = @1956-10': true,
    'birthDate = @1956-11': false,
    'birthDate = @1956-10-14': null,
    'birthDate = @1957-01-01': false,
    'birthDate < @1956-11-01': true,
    'birthDate > @1956-10-14': null,
    'birthDate >= @1956-10': true,
    'birthDate < @1956': null,
    'birthDate > @1955': true,
  })
  await check(other, {
    'effective.ofType(dateTime) = issued': true,
    'effective.ofType(dateTime) < @2020-01-01T08:00:00.001Z': true,
    'effective.ofType(dateTime) = @2020-01-01': null,
    'effective.ofType(dateTime) > @2019-12-31': true,
  })
})

test('boundaries of partial dates and times', async () => {
  await check(patient, { 'birthDate.lowBoundary()': '1956-10-01', 'birthDate.highBoundary()': '1956-10-31' })
  await check({ resourceType: 'Observation', effectiveDateTime: '2020-02', valueTime: '10:11:12.5' } as never, {
    'effective.ofType(dateTime).lowBoundary()': '2020-02-01T00:00:00.000+14:00',
    'effective.ofType(dateTime).highBoundary()': '2020-02-29T23:59:59.999-12:00',
    'value.ofType(time).lowBoundary()': '10:11:12.500',
    'value.ofType(time).highBoundary()': '10:11:12.599',
  })
})

test('typed columns take full, partial and over-full dates, and NULL for what is none', async () => {
  const type = (value: string) => ({ tag: [{ name: 'ansi/type', value }] })
  const view = viewOf('Patient', {
    day: { path: 'birthDate', ...type('DATE') },
    moment: { path: 'birthDate', ...type('TIMESTAMP WITH TIME ZONE') },
    text: 'birthDate',
  })
  const born = [
    '1956-10-14',
    '1956-10-14T00:00:00.000Z',
    '1956-10',
    '1956',
    '1956-10-14T23:00:00-05:00',
    'unknown',
    '1956-13-40',
  ]
  const rows = await runView(
    bench,
    view,
    born.map((birthDate) => ({ resourceType: 'Patient', birthDate })),
  )
  expect(rows.map((row) => row.day)).toEqual([
    '1956-10-14',
    '1956-10-14',
    '1956-10-01',
    '1956-01-01',
    '1956-10-14',
    null,
    null,
  ])
  expect(rows.map((row) => row.moment)).toEqual([
    '1956-10-14 00:00:00+00',
    '1956-10-14 00:00:00+00',
    '1956-10-01 00:00:00+00',
    '1956-01-01 00:00:00+00',
    '1956-10-15 04:00:00+00',
    null,
    null,
  ])
  expect(rows.map((row) => row.text)).toEqual(born)
})

test('a partial date is its first instant in UTC in every time zone', async () => {
  const view = viewOf('Patient', {
    moment: { path: 'birthDate', tag: [{ name: 'ansi/type', value: 'TIMESTAMP' }] },
    early: 'birthDate < @1956-01-01T00:00:01Z',
  })
  await bench.connection.run(`SET TimeZone = 'America/New_York'`)
  const rows = await runView(bench, view, [{ resourceType: 'Patient', birthDate: '1956-01-01' }])
  await bench.connection.run(`SET TimeZone = 'UTC'`)
  expect(rows).toEqual([{ moment: '1956-01-01 00:00:00', early: null }])
})
