import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { startDemoServer, type DemoServer } from '../../src/demo/server.ts'
import { contentsOf, exportAll, kickOff, manifestOf, postKickOff, type Manifest, type Resource } from './demo-client.ts'

let nowMs = Date.parse('2026-03-01T12:00:00Z')
let server: DemoServer
let all: Resource[]
beforeAll(async () => {
  const clock = { ...systemClock, now: () => new Date(nowMs) }
  server = await startDemoServer({ patients: 4, seed: 11, clock, behaviour: { pollsBeforeDone: 0 } })
  all = (await exportAll(server)).resources
})
afterAll(() => server.stop())

const query = (parameters: Record<string, string>) => `$export?${new URLSearchParams(parameters).toString()}`
const ofType = (type: string) => all.filter(({ resourceType }) => resourceType === type)
const typesOf = ({ output }: Manifest) => output.map(({ type }) => type).sort()

describe('a kick-off by POST', () => {
  it('takes all parameters from the body, with or without any', async () => {
    expect(typesOf(await manifestOf(await postKickOff(server, '$export', { _type: ['Patient', 'Claim'] })))).toEqual([
      'Claim',
      'Patient',
    ])
    const bare = await kickOff(server, '$export', { method: 'POST' })
    expect((await contentsOf(await manifestOf(bare))).resources).toHaveLength(all.length)
  })

  it('is refused with a body that is no Parameters resource', async () => {
    for (const body of ['{"resourceType":"Patient"}', 'no json', '[1]']) {
      expect((await kickOff(server, '$export', { method: 'POST', body })).status).toBe(400)
    }
  })
})

describe('_since and _until', () => {
  it('bound the time of the change from both sides', async () => {
    const [early, middle] = [nowMs + 1000, nowMs + 2000]
    nowMs = early
    server.store.update({ resourceType: 'Basic', id: 'early' })
    nowMs = middle
    server.store.update({ resourceType: 'Basic', id: 'late' })
    const iso = (ms: number) => new Date(ms).toISOString()
    const keys = async (parameters: Record<string, string>) => (await exportAll(server, query(parameters))).keys
    expect(await keys({ _since: iso(early - 1), _until: iso(middle) })).toEqual(['Basic/early'])
    expect(await keys({ _since: iso(early) })).toEqual(['Basic/late'])
    expect(await keys({ _type: 'Basic', _until: iso(early) })).toEqual([])
    server.store.remove('Basic', 'early')
    server.store.remove('Basic', 'late')
    const { deleted } = await exportAll(server, query({ _since: iso(middle), _until: iso(nowMs + 60_000) }))
    expect(deleted).toEqual(['Basic/early', 'Basic/late'])
    expect((await exportAll(server, query({ _since: iso(early), _until: iso(middle) }))).deleted).toEqual([])
    expect((await kickOff(server, query({ _until: 'tomorrow' }))).status).toBe(400)
  })
})

describe('_typeFilter', () => {
  const filtered = async (...filters: string[]) => {
    const path = `$export?${filters.map((filter) => `_typeFilter=${encodeURIComponent(filter)}`).join('&')}`
    return (await exportAll(server, path)).resources
  }
  const only = (resources: Resource[], type: string) => resources.filter(({ resourceType }) => resourceType === type)
  const codes = ({ code }: Resource) => (code as { coding: { code: string }[] }).coding.map((coding) => coding.code)

  it('leaves other types whole and of its own what meets all its criteria', async () => {
    const women = await filtered('Patient?gender=female')
    expect(only(women, 'Patient')).toEqual(ofType('Patient').filter(({ gender }) => gender === 'female'))
    expect(only(women, 'Patient').length).toBeLessThan(4)
    expect(only(women, 'Claim')).toHaveLength(ofType('Claim').length)
  })

  it('admits what any of several filters admits, by repetition or with a comma between them', async () => {
    const statuses = [...new Set(ofType('MedicationRequest').map(({ status }) => status as string))]
    const [one, two] = statuses as [string, string]
    const wanted = ofType('MedicationRequest').filter(({ status }) => status === one || status === two).length
    const first = `MedicationRequest?status=${one}`
    const second = `MedicationRequest?status=${two}`
    expect(only(await filtered(first, second), 'MedicationRequest')).toHaveLength(wanted)
    expect(only(await filtered(`${first},${second}`), 'MedicationRequest')).toHaveLength(wanted)
  })

  it('reads an escaped comma as part of the search, which gives alternatives', async () => {
    const [one, two] = [...new Set(ofType('Observation').flatMap(codes))] as [string, string]
    const wanted = ofType('Observation').filter((each) => codes(each).some((code) => [one, two].includes(code))).length
    expect(only(await filtered(`Observation?code=${one}\\,${two}`), 'Observation')).toHaveLength(wanted)
    expect(only(await filtered(`Observation?code=http://loinc.org|${one}`), 'Observation').length).toBeGreaterThan(0)
    expect(only(await filtered(`Observation?code=http://example.org|${one}`), 'Observation')).toEqual([])
  })

  it('compares dates of any precision as spans of time', async () => {
    const encounters = ofType('Encounter')
    const yearOf = ({ period }: Resource) => Number((period as { start: string }).start.slice(0, 4))
    const years = encounters.map(yearOf).sort()
    const middle = years[Math.floor(years.length / 2)]!
    const from = only(await filtered(`Encounter?date=ge${middle}`), 'Encounter')
    const before = only(await filtered(`Encounter?date=lt${middle}`), 'Encounter')
    expect(before).toHaveLength(years.filter((year) => year < middle).length)
    expect(from.length).toBeGreaterThanOrEqual(years.filter((year) => year >= middle).length)
    const both = only(await filtered(`Encounter?date=ge${middle}&date=le${middle}`), 'Encounter')
    expect(both.length).toBeGreaterThan(0)
    expect(both.length).toBeLessThan(encounters.length)
  })

  it('is refused for a search the server does not know', async () => {
    for (const filter of ['Observation?value-quantity=5', 'code=1', 'Observation']) {
      expect((await kickOff(server, query({ _typeFilter: filter }))).status, filter).toBe(400)
    }
  })
})

describe('_elements', () => {
  it('leaves the asked and the mandatory elements, and marks what is not whole', async () => {
    const path = query({ _type: 'Patient,Observation', _elements: 'Patient.birthDate,effectiveDateTime' })
    const { resources } = await exportAll(server, path)
    const patient = resources.find(({ resourceType }) => resourceType === 'Patient')!
    const observation = resources.find(({ resourceType }) => resourceType === 'Observation')!
    expect(Object.keys(patient).sort()).toEqual(['birthDate', 'id', 'meta', 'resourceType'])
    expect(Object.keys(observation)).toEqual(expect.arrayContaining(['status', 'code', 'effectiveDateTime']))
    expect(observation).not.toHaveProperty('subject')
    for (const { meta } of [patient, observation]) {
      expect(meta).toMatchObject({
        lastUpdated: expect.any(String) as string,
        tag: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' }],
      })
    }
  })

  it('of one type leaves other types whole and unmarked', async () => {
    const { resources } = await exportAll(server, query({ _type: 'Patient,Claim', _elements: 'Patient.id' }))
    expect(resources.filter(({ resourceType }) => resourceType === 'Claim')).toEqual(ofType('Claim'))
  })
})

describe('patient', () => {
  it('in a body limits an export of patients or of a Group to those patients', async () => {
    const [one, two] = ofType('Patient') as [Resource, Resource]
    const patient = [{ reference: `Patient/${one.id}` }, { reference: `Patient/${two.id}` }]
    for (const path of ['Patient/$export', 'Group/all/$export']) {
      const { keys } = await contentsOf(await manifestOf(await postKickOff(server, path, { patient })))
      expect(keys.filter((key) => key.startsWith('Patient/'))).toEqual(
        [one, two].map(({ id }) => `Patient/${id}`).sort(),
      )
      expect(keys.some((key) => key.startsWith('Organization/'))).toBe(true)
    }
  })

  it('is refused for a stranger to the Group, at system level and in a query', async () => {
    const [one, two] = ofType('Patient') as [Resource, Resource]
    server.store.update({
      resourceType: 'Group',
      id: 'single',
      member: [{ entity: { reference: `Patient/${one.id}` } }],
    })
    const patient = [{ reference: `Patient/${one.id}` }, { reference: `Patient/${two.id}` }]
    expect((await postKickOff(server, 'Group/single/$export', { patient })).status).toBe(400)
    expect((await postKickOff(server, '$export', { patient })).status).toBe(400)
    expect((await postKickOff(server, 'Patient/$export', { patient: 'somebody' })).status).toBe(400)
    expect((await kickOff(server, `Patient/$export?patient=Patient/${one.id}`)).status).toBe(400)

    const lenient = { Prefer: 'respond-async, handling=lenient' }
    const manifest = await manifestOf(await postKickOff(server, 'Group/single/$export', { patient }, lenient))
    expect(manifest.error).toMatchObject([{ type: 'OperationOutcome', count: 1 }])
    const { keys } = await contentsOf(manifest)
    expect(keys.filter((key) => key.startsWith('Patient/'))).toEqual([`Patient/${one.id}`])
    server.store.remove('Group', 'single')
  })
})

it('includeAssociatedData is accepted and changes nothing', async () => {
  const path = query({ _type: 'Patient', includeAssociatedData: 'LatestProvenanceResources' })
  expect((await exportAll(server, path)).keys).toHaveLength(4)
})

describe('organizeOutputBy=Patient', () => {
  it('gives a block for each patient, and every resource of an export by type', async () => {
    const { manifest, resources } = await exportAll(server, 'Patient/$export?organizeOutputBy=Patient')
    const plain = await exportAll(server, 'Patient/$export')
    expect(manifest).toMatchObject({ outputOrganizedBy: 'Patient' })
    expect(manifest.output).toHaveLength(1)
    expect(manifest.output[0]).not.toHaveProperty('type')
    expect(manifest.output[0]!.count).toBe(plain.keys.length)

    const headers = resources.filter(({ resourceType }) => resourceType === 'Parameters')
    expect(headers).toHaveLength(4)
    const others = resources.filter(({ resourceType }) => resourceType !== 'Parameters')
    expect(others.map(({ resourceType, id }) => `${resourceType}/${id}`).sort()).toEqual(plain.keys)
    for (const [index, resource] of resources.entries()) {
      if (resource.resourceType !== 'Parameters') continue
      expect(resource['parameter']).toEqual([
        { name: 'header', valueReference: { reference: `Patient/${resources[index + 1]!.id}` } },
      ])
      expect(resources[index + 1]!.resourceType).toBe('Patient')
    }
  })

  it('splits a block that is too long, repeats its header and says where it goes on', async () => {
    server.behaviour.maxLinesPerFile = 100
    const { manifest, resources } = await exportAll(server, 'Patient/$export?organizeOutputBy=Patient')
    server.behaviour.maxLinesPerFile = 0
    const output = manifest.output as { url: string; count: number; continuesInFile?: string }[]
    expect(output.every(({ count }) => count <= 100)).toBe(true)
    const continued = output.flatMap(({ continuesInFile }, index) => (continuesInFile === undefined ? [] : [index]))
    expect(continued.length).toBeGreaterThan(0)
    for (const index of continued) expect(output[index]!.continuesInFile).toBe(output[index + 1]!.url)
    expect(resources.filter(({ resourceType }) => resourceType === 'Parameters').length).toBe(4 + continued.length)
    expect(resources.length - 4 - continued.length).toBe((await exportAll(server, 'Patient/$export')).keys.length)
  })

  it('is refused for another type', async () => {
    expect((await kickOff(server, '$export?organizeOutputBy=Encounter')).status).toBe(400)
  })
})

describe('Prefer: separate-export-status', () => {
  const Prefer = 'respond-async, separate-export-status'

  it('parts the status of the request from that of the export', async () => {
    server.behaviour.pollsBeforeDone = 1
    const accepted = await kickOff(server, '$export?_type=Patient', { headers: { Prefer } })
    expect(accepted.headers.get('preference-applied')).toBe('respond-async, separate-export-status')
    const status = accepted.headers.get('content-location')!
    const waiting = await fetch(status)
    expect([waiting.status, waiting.headers.get('x-export-status')]).toEqual([200, '202 Accepted'])
    expect(await waiting.text()).toBe('')
    const done = await fetch(status)
    expect([done.status, done.headers.get('x-export-status')]).toEqual([200, '200 OK'])
    expect(((await done.json()) as Manifest).output).toHaveLength(1)

    server.behaviour = { ...server.behaviour, pollsBeforeDone: 0, exportFailure: { status: 413, form: 'html' } }
    const failed = await kickOff(server, '$export?_type=Patient', { headers: { Prefer } })
    const answer = await fetch(failed.headers.get('content-location')!)
    expect([answer.status, answer.headers.get('x-export-status')]).toEqual([200, '413 Payload Too Large'])
    server.behaviour.exportFailure = null
  })

  it('is not applied by a server that does not know it', async () => {
    server.behaviour.separateExportStatus = false
    const accepted = await kickOff(server, '$export?_type=Patient', { headers: { Prefer } })
    expect(accepted.headers.get('preference-applied')).toBeNull()
    expect((await fetch(accepted.headers.get('content-location')!)).headers.get('x-export-status')).toBeNull()
  })
})
