/** What is asked for beside types and times: each key with its checks, and the levels it belongs to. */
import { describe, expect, test } from 'vitest'
import { brief, loadText, mistakesOf } from './config-folder.ts'

const SOURCE = `lake: lake
views: {shipped: false}
sources:
  - name: one
    baseUrl: https://fhir.example.org/r4
    auth: {kind: none}
    level: system
    types: [Patient, Observation]
`

const withLine = (line: string) => `${SOURCE}    ${line}\n`

async function only(line: string): Promise<string> {
  const mistakes = brief(await mistakesOf(withLine(line)))
  expect(mistakes).toHaveLength(1)
  return mistakes[0]!.replace('sources[0].', '')
}

async function loaded(line: string) {
  const config = await loadText(withLine(line))
  return { source: config.sources[0]!, warnings: config.warnings }
}

test('what is not there is not asked for', async () => {
  const { source } = await loaded('release: true')
  expect(source.request).toEqual({
    typeFilters: [],
    elements: [],
    includeAssociatedData: [],
    organizeOutputBy: undefined,
    allowPartialManifests: undefined,
  })
  expect(source).toMatchObject({ manifestUrl: undefined, trace: undefined, callsPerMinute: undefined })
})

describe('typeFilters', () => {
  test('are taken as they stand', async () => {
    const { source } = await loaded("typeFilters: ['Observation?code=http%3A%2F%2Floinc.org|8867-4,8310-5']")
    expect(source.request.typeFilters).toEqual(['Observation?code=http%3A%2F%2Floinc.org|8867-4,8310-5'])
  })

  test.each([
    ['[category=laboratory]', /typeFilters\[0\]: is no type with a query \| Write it as Type\?parameter=value/],
    ['["Observation?"]', /is no type with a query/],
    ['["Observations?a=b"]', /is of Observations, which is not among types \| Did you mean 'Observation'\?/],
    ['["Encounter?a=b"]', /is of Encounter, which is not among types \| Add Encounter to types/],
    ['["Patient?active=true&_sort=birthdate"]', /_sort shapes a search result/],
    ['["Patient?_revinclude:iterate=a"]', /_revinclude:iterate shapes a search result/],
    ['Patient?active=true', /must be a list, and is text \| Put it in brackets/],
    ['[]', /is empty/],
  ])('%s is told', async (value, expected) => {
    expect(await only(`typeFilters: ${value}`)).toMatch(expected)
  })
})

describe('elements', () => {
  test('may be named with their type or without, and make a warning', async () => {
    const { source, warnings } = await loaded('elements: [id, birthDate, Observation.value, Patient.meta]')
    expect(source.request.elements).toEqual(['id', 'birthDate', 'Observation.value', 'Patient.meta'])
    expect(warnings).toMatchObject([
      { path: 'sources[0].elements', problem: expect.stringMatching(/SUBSETTED/) as string },
    ])
  })

  test.each([
    ['[birthdate]', /none of the types has an element birthdate \| Did you mean 'birthDate'\?/],
    ['[Patient.valu]', /Patient has no element valu/],
    ['[Patients.id]', /is of Patients, which is not among types \| Did you mean 'Patient'\?/],
    ['[Patient.name.family]', /is no element of a resource \| .*elements within elements/],
    ['["value[x]"]', /is no element of a resource/],
  ])('%s is told', async (value, expected) => {
    expect(await only(`elements: ${value}`)).toMatch(expected)
  })

  test('of a type that came after R4 are left to the server', async () => {
    const yaml = withLine('elements: [NutritionIntake.occurrence, id]').replace('Observation]', 'NutritionIntake]')
    expect((await loadText(yaml)).sources[0]!.request.elements).toEqual(['NutritionIntake.occurrence', 'id'])
  })
})

describe('includeAssociatedData', () => {
  test("takes the specification's codes and a server's own", async () => {
    const yaml = withLine('includeAssociatedData: [LatestProvenanceResources, _own]')
    const config = await loadText(yaml.replace('[Patient,', '[Provenance, Patient,'))
    expect(config.sources[0]!.request.includeAssociatedData).toEqual(['LatestProvenanceResources', '_own'])
    expect(config.warnings).toEqual([])
  })

  test('warns when Provenance would not be loaded', async () => {
    const { warnings } = await loaded('includeAssociatedData: [RelevantProvenanceResources]')
    expect(warnings).toMatchObject([{ wayOut: 'Add Provenance to types.' }])
  })

  test('names the nearest code', async () => {
    expect(await only('includeAssociatedData: [LatestProvenanceResource]')).toMatch(
      /is neither .* \| Did you mean 'LatestProvenanceResources'\?/,
    )
  })
})

test('organizeOutputBy is a type of FHIR', async () => {
  expect((await loaded('organizeOutputBy: Patient')).source.request.organizeOutputBy).toBe('Patient')
  expect(await only('organizeOutputBy: patients')).toMatch(/is no type of FHIR \| Did you mean 'Patient'\?/)
})

test('allowPartialManifests is true or false', async () => {
  expect((await loaded('allowPartialManifests: false')).source.request.allowPartialManifests).toBe(false)
  expect(await only('allowPartialManifests: "yes"')).toMatch(/must be true or false, and is text/)
})

test('callsPerMinute is a whole number above 0', async () => {
  expect((await loaded('callsPerMinute: 60')).source).toMatchObject({
    callsPerMinute: 60,
    profile: { callsPerMinute: 60 },
  })
  expect(await only('callsPerMinute: 0')).toMatch(/is less than 1/)
})

test('trace is a path from the folder of the configuration', async () => {
  expect((await loaded('trace: logs/one.trace')).source.trace).toMatch(/^\/.*\/stoker-config-[^/]+\/logs\/one\.trace$/)
})

describe('a published manifest', () => {
  const published = (lines: string) => SOURCE.replace('level: system', `level: published\n    ${lines}`)
  const URL_LINE = 'manifestUrl: https://fhir.example.org/r4/$bulk-publish'

  test('is read from its URL', async () => {
    const [source] = (await loadText(published(URL_LINE))).sources
    expect(source!.manifestUrl!.href).toBe('https://fhir.example.org/r4/$bulk-publish')
    expect(source!.level).toEqual({ kind: 'system' })
  })

  test.each([
    ['release: true', /manifestUrl: is missing \| Give the URL/],
    ['manifestUrl: fhir.example.org', /manifestUrl: is no URL/],
    ['manifestUrl: http://fhir.example.org/m', /in the clear/],
    [`${URL_LINE}\n    elements: [id]`, /elements: has no meaning at level published/],
    [`${URL_LINE}\n    group: a`, /group: has no meaning at level published \| Set level: group/],
  ])('with %s is told', async (lines, expected) => {
    expect(brief(await mistakesOf(published(lines))).join('\n')).toMatch(expected)
  })

  test('has no place at another level', async () => {
    expect(await only(URL_LINE)).toMatch(/manifestUrl: has no meaning at level system \| Set level: published/)
  })

  test('changes of a Group have no place at another level either', async () => {
    expect(await only('groupChanges: {leavers: remove}')).toMatch(/groupChanges: has no meaning at level system/)
  })
})
