import { describe, expect, test } from 'vitest'
import { filterOf } from '../../src/worker/filter.ts'
import { newcomersExport, planRun, type PlanInput } from '../../src/worker/plan.ts'

const JAN = new Date('2026-01-01T00:00:00Z')
const FEB = new Date('2026-02-01T00:00:00Z')

function plan(input: Partial<Omit<PlanInput, 'watermarks'>> & { watermarks?: Record<string, Date> }) {
  const marks = Object.entries(input.watermarks ?? {})
  return planRun({
    mode: 'incremental',
    firstLoad: undefined,
    overlapSeconds: 300,
    types: ['Patient', 'Condition'],
    filterOf: (type) => `all of ${type}`,
    request: {},
    membersMatter: 'never',
    ...input,
    watermarks: new Map(marks.map(([type, at]) => [type, { at, filter: `all of ${type}` }])),
  })
}

/** What differs from one plan to the other, in short. */
function exportsOf(input: Parameters<typeof plan>[0]) {
  return plan(input).exports.map(({ purpose, types, since, whole }) => ({ purpose, types, since, whole }))
}

test('a first run asks for the whole of every type in one export', () => {
  expect(plan({}).mode).toBe('full')
  expect(exportsOf({})).toEqual([{ purpose: 'load', types: ['Patient', 'Condition'], since: undefined, whole: true }])
})

test('a server that gives one day only without _since is asked since an early day, and that counts as whole', () => {
  expect(exportsOf({ types: ['Patient'], firstLoad: '1900-01-01T00:00:00Z' })).toEqual([
    { purpose: 'load', types: ['Patient'], since: '1900-01-01T00:00:00Z', whole: true },
  ])
})

test('a later run asks since the oldest watermark, less the overlap', () => {
  const later = { watermarks: { Patient: FEB, Condition: JAN } }
  expect(plan(later).mode).toBe('incremental')
  expect(exportsOf(later)).toEqual([
    { purpose: 'load', types: ['Patient', 'Condition'], since: '2025-12-31T23:55:00.000Z', whole: false },
  ])
})

test('a type without a watermark gets its whole history in an export of its own', () => {
  const mixed = { types: ['Patient', 'Claim'], overlapSeconds: 0, watermarks: { Patient: JAN, Gone: FEB } }
  expect(plan(mixed).mode).toBe('mixed')
  expect(exportsOf(mixed)).toEqual([
    { purpose: 'load', types: ['Claim'], since: undefined, whole: true },
    { purpose: 'load', types: ['Patient'], since: '2026-01-01T00:00:00.000Z', whole: false },
  ])
})

test('a full run asks for everything whatever the watermarks', () => {
  const full = { mode: 'full', types: ['Patient'], watermarks: { Patient: JAN } } as const
  expect(plan(full).mode).toBe('full')
  expect(exportsOf(full)).toEqual([{ purpose: 'load', types: ['Patient'], since: undefined, whole: true }])
})

test('a type whose filter changed is asked for wholly, the others since their watermark', () => {
  const changed = {
    watermarks: { Patient: JAN, Condition: JAN },
    filterOf: (type: string) => (type === 'Condition' ? 'some of Condition' : `all of ${type}`),
  }
  expect(exportsOf(changed)).toEqual([
    { purpose: 'load', types: ['Condition'], since: undefined, whole: true },
    { purpose: 'load', types: ['Patient'], since: '2025-12-31T23:55:00.000Z', whole: false },
  ])
})

test('each export carries the filters of its own types alone', () => {
  const request = { typeFilters: ['Condition?category=problem-list-item', 'Patient?gender=female'], elements: ['id'] }
  const { exports } = plan({ request, watermarks: { Patient: JAN } })
  expect(exports.map((each) => each.request)).toEqual([
    { typeFilters: ['Condition?category=problem-list-item'], elements: ['id'] },
    { typeFilters: ['Patient?gender=female'], elements: ['id'] },
  ])
})

describe('of a Group whose newcomers must be asked for', () => {
  test('who is in it is asked first, before what changed', () => {
    const later = { membersMatter: 'always' as const, watermarks: { Patient: JAN, Condition: JAN } }
    expect(exportsOf(later).map(({ purpose }) => purpose)).toEqual(['members', 'load'])
    expect(plan(later).exports[0]).toMatchObject({
      types: ['Patient'],
      since: undefined,
      request: { elements: ['id'] },
    })
  })
  test('a first load tells its members by its patients, if it asks for all of them', () => {
    const purposes = (input: Parameters<typeof plan>[0]) => exportsOf(input).map(({ purpose }) => purpose)
    expect(purposes({ membersMatter: 'always' as const })).toEqual(['load'])
    expect(purposes({ membersMatter: 'always' as const, types: ['Condition'] })).toEqual(['members', 'load'])
    expect(purposes({ membersMatter: 'always' as const, request: { typeFilters: ['Patient?gender=male'] } })).toEqual([
      'members',
      'load',
    ])
    expect(purposes({ membersMatter: 'for-whole', types: ['Condition'] })).toEqual(['members', 'load'])
    expect(purposes({ membersMatter: 'for-whole', watermarks: { Patient: JAN, Condition: JAN } })).toEqual(['load'])
  })
  test('a server that gives one day only without _since is asked for its members since an early day, too', () => {
    const later = { membersMatter: 'always' as const, firstLoad: '1900-01-01T00:00:00Z', watermarks: { Patient: JAN } }
    expect(exportsOf(later)[0]).toMatchObject({ purpose: 'members', since: '1900-01-01T00:00:00Z' })
  })
  test('newcomers are asked for by name, from the beginning', () => {
    const [changes] = plan({
      watermarks: { Patient: JAN, Condition: JAN },
      request: { organizeOutputBy: 'Patient' },
    }).exports
    expect(newcomersExport(changes!, ['p1', 'p2'], '1900-01-01T00:00:00Z')).toMatchObject({
      purpose: 'newcomers',
      types: ['Patient', 'Condition'],
      since: '1900-01-01T00:00:00Z',
      whole: false,
      request: { patients: ['p1', 'p2'], organizeOutputBy: 'Patient' },
    })
  })
})

describe('the filter of a type', () => {
  const source = {
    baseUrl: 'https://fhir.example.org/r4/',
    level: { kind: 'system' },
    request: {},
    manifestUrl: undefined,
  } as const
  const filtered = (typeFilters: string[]) => filterOf({ ...source, request: { typeFilters } }, 'Condition')

  test('is the same however the filters are ordered, and whatever those of other types are', () => {
    expect(filtered(['Condition?a=1', 'Condition?b=2'])).toBe(filtered(['Condition?b=2', 'Condition?a=1', 'Claim?c=3']))
    expect(filtered(['Claim?c=3'])).toBe(filterOf(source, 'Condition'))
    expect(filtered(['Condition?a=1'])).not.toBe(filterOf(source, 'Condition'))
  })
  test('is another for another server, level, Group, or published manifest', () => {
    const filters = [
      filterOf(source, 'Condition'),
      filterOf({ ...source, baseUrl: 'https://other.example.org/r4/' }, 'Condition'),
      filterOf({ ...source, level: { kind: 'group', id: 'a' } }, 'Condition'),
      filterOf({ ...source, level: { kind: 'group', id: 'b' } }, 'Condition'),
      filterOf({ ...source, manifestUrl: 'https://files.example.org/manifest.json' }, 'Condition'),
    ]
    expect(new Set(filters).size).toBe(5)
  })
})
