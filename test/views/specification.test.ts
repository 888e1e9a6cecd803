/** What the specification names, item by item: functions, operators, constants, variables, and their empty cases. */
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
  gender: 'female',
  birthDate: '1956-10',
  active: true,
  deceasedDateTime: '2020-01-02',
  name: [
    { use: 'old', family: 'A', given: ['x', 'y'], period: { start: '2001-02', end: '2003' } },
    { use: 'official', family: 'B', given: ['z'] },
  ],
  _birthDate: { id: 'b', extension: [{ url: 'u', valueDateTime: '1956-10-14T01:02:03Z' }] },
  contained: [
    { resourceType: 'Organization', id: 'o', name: 'Org' },
    { resourceType: 'Device', id: 'd' },
  ],
}
const observation = {
  resourceType: 'Observation',
  id: 'o',
  status: 'final',
  valueQuantity: { value: 1.587, unit: 'kg' },
  effectivePeriod: { start: '2020-01', end: '2020-02-03T10:00:00Z' },
  component: [{ valueInteger: 3 }, { valueString: 'q' }, { valueQuantity: { value: 5 } }, { valueTime: '10:11' }, {}],
}

async function check(resource: { resourceType: string }, expected: Record<string, unknown>): Promise<void> {
  const paths = Object.keys(expected)
  const values = await valuesOf(bench, resource, paths)
  expect(Object.fromEntries(paths.map((path, place) => [path, values[place]]))).toEqual(expected)
}

test('a choice is asked for its type, counted and found present, item by item', async () => {
  await check(observation, {
    'value is Quantity': true,
    'value is string': false,
    'value.is(FHIR.Quantity)': true,
    '(value as Quantity).unit': 'kg',
    'value.as(Quantity).unit': 'kg',
    'value.count()': 1,
    'component.value.count()': 4,
    'component.value.exists()': true,
    'component.exists(value is integer)': true,
    'component.where(value is string).value.ofType(string).first()': 'q',
    'component.where((value is string).empty()).count()': 1,
    'component.where((value is string) = false).count()': 3,
  })
  await check(patient, { 'multipleBirth is integer': null, 'deceased is dateTime': true, '1 is Integer': true })
})

test('boundaries of decimals go down and up to the places asked for', async () => {
  const value = 'value.ofType(Quantity).value'
  await check(observation, {
    [`${value}.lowBoundary()`]: '1.5865',
    [`${value}.highBoundary()`]: '1.5875',
    [`${value}.lowBoundary(2)`]: '1.58',
    [`${value}.highBoundary(2)`]: '1.59',
    [`${value}.highBoundary(6)`]: '1.587500',
    [`${value}.lowBoundary(14)`]: '1.58650000000000',
    [`${value}.lowBoundary(0)`]: '1',
    [`${value}.highBoundary(0)`]: '2',
    '(-1.587).lowBoundary(2)': '-1.59',
    '(-1.587).highBoundary(2)': '-1.58',
    [`${value}.lowBoundary(-1)`]: null,
    [`${value}.lowBoundary(32)`]: null,
    '1.lowBoundary()': '0.5',
    'component.value.ofType(integer).highBoundary()': '3.5',
    'dataAbsentReason.text.toDecimal().lowBoundary()': null,
  })
})

test('boundaries of dates, times and periods are as precise as asked for', async () => {
  await check(observation, {
    'effective.ofType(Period).lowBoundary()': '2020-01-01T00:00:00.000+14:00',
    'effective.ofType(Period).highBoundary()': '2020-02-03T10:00:00.999Z',
    '@2014.lowBoundary(6)': '2014-01',
    '@2014.highBoundary(8)': '2014-12-31',
    '@2014-05-06.lowBoundary(4)': '2014',
    '@2014.lowBoundary(9)': null,
    '@2014-01-01T08.lowBoundary(17)': '2014-01-01T08:00:00.000+14:00',
    '@2014-01-01T08.highBoundary()': '2014-01-01T08:59:59.999-12:00',
    '@2014-01-01T08:05-05:00.lowBoundary()': '2014-01-01T08:05:00.000-05:00',
    '@T10:30.lowBoundary(9)': '10:30:00.000',
    '@T10:30.highBoundary()': '10:30:59.999',
    'component.value.ofType(time).lowBoundary()': '10:11:00.000',
  })
  await check(patient, {
    'birthDate.highBoundary()': '1956-10-31',
    'name.first().period.lowBoundary()': '2001-02-01T00:00:00.000+14:00',
    'name.last().period.lowBoundary()': null,
  })
})

test('collections are sets by value: 1.5 and 1.50 are one, a whole number and a decimal may be', async () => {
  await check(observation, {
    '(1.5 | 1.50 | 2).count()': 2,
    '(1.0 | 1).count()': 1,
    'value.ofType(Quantity).value in (1.5870 | 2)': true,
    '(@2012 | @2012-01-01).count()': 2,
    '@2012-01-01 in (@2012 | @2013)': false,
    '3 in component.value.ofType(integer)': true,
    '{} in (1 | 2)': null,
    '1 in {}': false,
  })
  await check(patient, {
    'name.given.union(name.family).count()': 5,
    'name.given.combine(name.given).count()': 6,
    "name.given.intersect('x' | 'q').first()": 'x',
    "name.given.exclude('x').join()": 'yz',
    "('x' | 'y').subsetOf(name.given)": true,
    "name.given.supersetOf('x' | 'q')": false,
    'contact.name.given.subsetOf(name.given)': true,
    'name.given.isDistinct()': true,
    'name.family.isDistinct() and name.use.distinct().count() = 2': true,
  })
})

test('conversions give what fits, and empty for what does not', async () => {
  await check(patient, {
    "'5'.toInteger() + 1": 6,
    "'a'.toInteger()": null,
    "'yes'.toBoolean()": true,
    "'0'.toBoolean()": false,
    '2.toBoolean()': null,
    'active.toString()': 'true',
    'active.toInteger()': 1,
    "'2014-01'.toDate()": '2014-01',
    "'2014-01-02T03:04:05Z'.toDate()": '2014-01-02',
    "'2014-01-02T03:04:05Z'.toDateTime()": '2014-01-02T03:04:05Z',
    "'morning'.toTime()": null,
    "'10:00'.toTime()": '10:00',
    "'1.50'.toDecimal()": '1.50',
    "'x'.convertsToInteger()": false,
    "'1.5'.convertsToDecimal()": true,
    '{}.convertsToDecimal()': null,
    'contact.name.text.first().convertsToDate()': null,
  })
})

test('base64 is binary, with the blanks and line ends that FHIR lets stand in it', async () => {
  const view = viewOf('Binary', { data: 'data' })
  const rows = await runView(bench, view, [
    { resourceType: 'Binary', data: 'aGk=' },
    { resourceType: 'Binary', data: 'a G\r\nk=\n' },
    { resourceType: 'Binary', data: '??' },
  ])
  expect(rows.map((row) => row.data)).toEqual(['hi', 'hi', null])
})

test('texts are searched from both ends, in parts and as a whole', async () => {
  await check(patient, {
    "'abcabc'.lastIndexOf('bc')": 4,
    "'abc'.lastIndexOf('x')": -1,
    "'abc'.matchesFull('ab')": false,
    "'abc'.matches('ab')": true,
    "'abc'.toChars().join('-')": 'a-b-c',
    'gender.startsWith({})': null,
    "name.given.join(',')": 'x,y,z',
    "name.select(use & '-' & family).join(';')": 'old-A;official-B',
  })
})

test('contained resources are reached as any resource and as their own type', async () => {
  await check(patient, {
    'contained.first().id': 'o',
    "contained.where(id = 'd').count()": 1,
    'contained.exists($this is Device)': true,
    'contained.where($this is Organization).count()': 1,
    'contained.all($this is DomainResource)': true,
    'contained.ofType(Organization).name': 'Org',
    "contained.ofType(Organization).where(name = 'x').id": null,
  })
})

test('a primitive has an id and extensions, with a value or without', async () => {
  const path = "birthDate.extension('u').value.ofType(dateTime).first()"
  await check(patient, { [path]: '1956-10-14T01:02:03Z', 'birthDate.id': 'b', 'birthDate.extension.exists()': true })
  await check({ ...patient, birthDate: undefined } as never, {
    [path]: '1956-10-14T01:02:03Z',
    'birthDate.exists()': false,
    "birthDate.extension.where(url = 'u').exists()": true,
  })
  const names = { resourceType: 'Patient', name: [{ given: ['a', null], _given: [null, { id: 'g' }] }] }
  await check(names, { 'name.first().given.id.first()': 'g', 'name.first().given.count()': 1 })
})

test.each([
  ['base64Binary', 'aGk=', 'photo.data.first() = %c'],
  ['boolean', true, 'active = %c'],
  ['canonical', 'http://x|1', 'meta.profile.first() = %c'],
  ['code', 'female', 'gender = %c'],
  ['date', '1956-10-14', 'birthDate = %c'],
  ['dateTime', '2020-01-02T03:04:05Z', 'deceased.ofType(dateTime) = %c'],
  ['decimal', 1.5, "extension('d').value.ofType(decimal) = %c"],
  ['id', 'p', 'id = %c'],
  ['instant', '2020-01-02T03:04:05.000Z', 'meta.lastUpdated = %c'],
  ['integer', 2, 'multipleBirth.ofType(integer) = %c'],
  ['integer64', '2', 'multipleBirth.ofType(integer) = %c'],
  ['oid', 'urn:oid:1.2', 'identifier.first().system = %c'],
  ['string', 'A', 'name.first().family = %c'],
  ['markdown', 'A', 'name.first().family = %c'],
  ['positiveInt', 1, 'telecom.first().rank = %c'],
  ['time', '10:11:12', "extension('t').value.ofType(time) = %c"],
  ['unsignedInt', 2, 'multipleBirth.ofType(integer) = %c'],
  ['uri', 'urn:oid:1.2', 'identifier.first().system = %c'],
  ['url', 'http://x', 'photo.first().url = %c'],
  ['uuid', 'urn:uuid:1', "extension('u').value.ofType(uuid) = %c"],
])('a constant may be a %s', async (type, value, path) => {
  const resource = {
    ...patient,
    birthDate: '1956-10-14',
    deceasedDateTime: '2020-01-02T03:04:05Z',
    multipleBirthInteger: 2,
    meta: { lastUpdated: '2020-01-02T03:04:05Z', profile: ['http://x|1'] },
    identifier: [{ system: 'urn:oid:1.2' }],
    telecom: [{ rank: 1 }],
    photo: [{ data: 'aGk=', url: 'http://x' }],
    extension: [
      { url: 'd', valueDecimal: 1.5 },
      { url: 't', valueTime: '10:11:12' },
      { url: 'u', valueUuid: 'urn:uuid:1' },
    ],
  }
  const constant = [{ name: 'c', [`value${type[0]!.toUpperCase()}${type.slice(1)}`]: value }]
  const view = viewOf('Patient', { equal: path, alone: { path: '%c', type } }, { constant })
  const row = (await runView(bench, view, [resource]))[0]!
  expect(row.equal).toBe(true)
  expect(row.alone).not.toBeNull()
})
