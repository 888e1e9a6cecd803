import { describe, expect, test } from 'vitest'
import type { ExportRequest } from '../../src/bulk/export/kick-off.ts'
import { exportParameters, exportPath, exportQuery, parametersFor } from '../../src/bulk/export/parameters.ts'
import { EXPORT_PARAMETERS, STANDARD_PROFILE, type ServerProfile } from '../../src/bulk/server/profile.ts'

/** Every parameter of every version at once. */
const EVERYTHING: ExportRequest = {
  level: { kind: 'group', id: 'g1' },
  types: ['Patient', 'Observation'],
  since: '2026-01-01T00:00:00.000+02:00',
  until: '2026-02-01T00:00:00Z',
  elements: ['id', 'Observation.code'],
  typeFilters: ['Observation?code=8867-4,8310-5&status=final', 'Patient?active=true'],
  patients: ['p1', 'p2'],
  includeAssociatedData: ['LatestProvenanceResources', '_own'],
  organizeOutputBy: 'Patient',
  allowPartialManifests: true,
  outputFormat: 'application/fhir+ndjson',
}

function profile(kickOff: Partial<ServerProfile['kickOff']>): ServerProfile {
  return { ...STANDARD_PROFILE, kickOff: { ...STANDARD_PROFILE.kickOff, ...kickOff } }
}

function queryOf(request: Partial<ExportRequest>, kickOff: Partial<ServerProfile['kickOff']> = {}): string {
  const server = profile(kickOff)
  const { asked } = parametersFor({ level: { kind: 'system' }, types: ['Patient'], ...request }, server)
  return exportQuery(asked, server.kickOff)
}

function resourceOf(request: ExportRequest, kickOff: Partial<ServerProfile['kickOff']> = {}) {
  const server = profile(kickOff)
  return exportParameters(parametersFor(request, server).asked, server.kickOff)
}

describe('as a query', () => {
  test('every parameter is written, in one order, percent-encoded', () => {
    const { asked, leftOut } = parametersFor({ ...EVERYTHING, patients: undefined }, STANDARD_PROFILE)
    expect(leftOut).toEqual([])
    expect(exportQuery(asked, STANDARD_PROFILE.kickOff).split('&')).toEqual([
      '_type=Patient,Observation',
      '_since=2026-01-01T00%3A00%3A00.000%2B02%3A00',
      '_until=2026-02-01T00%3A00%3A00Z',
      '_elements=id,Observation.code',
      '_typeFilter=Observation%3Fcode%3D8867-4%2C8310-5%26status%3Dfinal',
      '_typeFilter=Patient%3Factive%3Dtrue',
      '_outputFormat=application%2Ffhir%2Bndjson',
      'includeAssociatedData=LatestProvenanceResources,_own',
      'organizeOutputBy=Patient',
      'allowPartialManifests=true',
    ])
  })

  test('lists are repeated for a server that reads no commas', () => {
    expect(queryOf({ types: ['Patient', 'Condition'], elements: ['id', 'meta'] }, { lists: 'repeated' })).toBe(
      '_type=Patient&_type=Condition&_elements=id&_elements=meta',
    )
  })

  test('a comma inside a filter is escaped where filters are joined by commas, and only there', () => {
    const typeFilters = ['Observation?code=a,b', 'Patient?active=true']
    const joined = new URLSearchParams(queryOf({ typeFilters }, { typeFilters: 'comma' }))
    expect(joined.getAll('_typeFilter')).toEqual(['Observation?code=a\\,b,Patient?active=true'])
    const repeated = new URLSearchParams(queryOf({ typeFilters }, { lists: 'comma', typeFilters: 'repeated' }))
    expect(repeated.getAll('_typeFilter')).toEqual(typeFilters)
  })

  test('what a filter percent-encodes itself comes out as it went in', () => {
    const typeFilters = ['Observation?code=http%3A%2F%2Floinc.org%7C8867-4']
    expect(new URLSearchParams(queryOf({ typeFilters })).getAll('_typeFilter')).toEqual(typeFilters)
  })

  test('false is sent too, and nothing is where nothing was asked', () => {
    expect(queryOf({ allowPartialManifests: false })).toBe('_type=Patient&allowPartialManifests=false')
    expect(queryOf({ elements: [], typeFilters: [], patients: [] })).toBe('_type=Patient')
  })
})

describe('as a Parameters resource', () => {
  test('each value is an entry of its own, of the type of its OperationDefinition', () => {
    expect(resourceOf(EVERYTHING)).toEqual({
      resourceType: 'Parameters',
      parameter: [
        { name: '_type', valueString: 'Patient' },
        { name: '_type', valueString: 'Observation' },
        { name: '_since', valueInstant: '2026-01-01T00:00:00.000+02:00' },
        { name: '_until', valueInstant: '2026-02-01T00:00:00Z' },
        { name: '_elements', valueString: 'id' },
        { name: '_elements', valueString: 'Observation.code' },
        { name: '_typeFilter', valueString: 'Observation?code=8867-4,8310-5&status=final' },
        { name: '_typeFilter', valueString: 'Patient?active=true' },
        { name: '_outputFormat', valueString: 'application/fhir+ndjson' },
        { name: 'patient', valueReference: { reference: 'Patient/p1' } },
        { name: 'patient', valueReference: { reference: 'Patient/p2' } },
        { name: 'includeAssociatedData', valueCode: 'LatestProvenanceResources' },
        { name: 'includeAssociatedData', valueCode: '_own' },
        { name: 'organizeOutputBy', valueString: 'Patient' },
        { name: 'allowPartialManifests', valueBoolean: true },
      ],
    })
  })

  test('includeAssociatedData is a Coding for STU4, and a code of the server its own is of no known system', () => {
    const { parameter } = resourceOf(EVERYTHING, { associatedData: 'coding' }) as { parameter: { name: string }[] }
    expect(parameter.filter(({ name }) => name === 'includeAssociatedData')).toEqual([
      {
        name: 'includeAssociatedData',
        valueCoding: {
          system: 'http://hl7.org/fhir/uv/bulkdata/CodeSystem/include-associated-data',
          code: 'LatestProvenanceResources',
        },
      },
      { name: 'includeAssociatedData', valueCoding: { code: '_own' } },
    ])
  })
})

describe('what a server does not read', () => {
  test('is left out and named', () => {
    const { asked, leftOut } = parametersFor(EVERYTHING, profile({ reads: ['_type', '_since'] }))
    expect(asked.map(({ name }) => name)).toEqual(['_type', '_since'])
    expect(leftOut).toEqual(EXPORT_PARAMETERS.filter((name) => name !== '_type' && name !== '_since'))
  })

  test('includes patient at system level, where the specification knows none', () => {
    const { leftOut } = parametersFor({ ...EVERYTHING, level: { kind: 'system' } }, STANDARD_PROFILE)
    expect(leftOut).toEqual(['patient'])
  })

  test('a level it has no export at is BULK_LEVEL, with the levels it has', () => {
    const server = { ...profile({ levels: ['group'] }), name: 'epic' }
    expect(() => parametersFor({ level: { kind: 'system' }, types: [] }, server)).toThrow(
      expect.objectContaining({ code: 'BULK_LEVEL', hint: expect.stringContaining('use level group') as string }),
    )
  })
})

test('Group exports ask for organised output where the server gives no other, unless another is asked for', () => {
  const google = profile({ organizeGroupsBy: 'Patient' })
  const organised = (request: ExportRequest) =>
    parametersFor(request, google).asked.find(({ name }) => name === 'organizeOutputBy')?.values
  const group = { kind: 'group', id: 'g' } as const
  expect(organised({ level: group, types: ['Patient'] })).toEqual(['Patient'])
  expect(organised({ level: group, types: ['Patient'], organizeOutputBy: 'Organization' })).toEqual(['Organization'])
  expect(organised({ level: { kind: 'system' }, types: ['Patient'] })).toBeUndefined()
})

test.each([
  [{ kind: 'system' }, '$export'],
  [{ kind: 'patient' }, 'Patient/$export'],
  [{ kind: 'group', id: 'a/b' }, 'Group/a%2Fb/$export'],
] as const)('the level %j is %s', (level, path) => {
  expect(exportPath(level)).toBe(path)
})
