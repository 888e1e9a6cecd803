import { describe, expect, it } from 'vitest'
import { behaviourFixture } from './behaviour-fixture.ts'
import {
  contentsOf,
  EXPORT_HEADERS,
  exportAll,
  kickOff,
  linesOf,
  manifestOf,
  postKickOff,
  type Manifest,
} from './demo-client.ts'

const fixture = behaviourFixture()
const typesOf = ({ output }: Manifest) => [...new Set(output.map(({ type }) => type))].sort()
const status = async (response: Promise<Response>) => (await response).status

describe('headers', () => {
  it('exactAccept refuses an Accept that names anything besides', async () => {
    fixture.behave({ exactAccept: true })
    const accept = (Accept: string) => status(kickOff(fixture.server, '$export', { headers: { Accept } }))
    expect(await accept('application/fhir+json')).toBe(202)
    expect(await accept('application/fhir+json, application/json')).toBe(400)
    fixture.behave({ exactAccept: false })
    expect(await accept('application/fhir+json, application/json')).toBe(202)
  })

  it('requirePrefer false takes a kick-off without Prefer', async () => {
    const bare = () =>
      status(fetch(`${fixture.server.baseUrl}/$export`, { headers: { Accept: EXPORT_HEADERS.Accept } }))
    expect(await bare()).toBe(400)
    fixture.behave({ requirePrefer: false })
    expect(await bare()).toBe(202)
  })
})

describe('parameters', () => {
  it('parametersFrom says which place is read; the other one is ignored without a word', async () => {
    const both = async () => {
      const accepted = await postKickOff(fixture.server, '$export?_type=Patient,Nonsense', { _type: 'Claim' })
      return accepted.status === 202 ? typesOf(await manifestOf(accepted)) : accepted.status
    }
    fixture.behave({ parametersFrom: 'body' })
    expect(await both()).toEqual(['Claim'])
    fixture.behave({ parametersFrom: 'query' })
    expect(await both()).toBe(400)
    const accepted = await postKickOff(fixture.server, '$export', { _type: 'Patient' })
    expect(typesOf(await manifestOf(accepted)).length).toBeGreaterThan(10)
  })

  it('lists: a server of commas reads the first _type only, one of repetition takes a list for a type', async () => {
    const types = async (path: string) => {
      const accepted = await kickOff(fixture.server, path)
      return accepted.status === 202 ? typesOf(await manifestOf(accepted)) : accepted.status
    }
    fixture.behave({ lists: 'comma' })
    expect(await types('$export?_type=Patient,Claim&_type=Encounter')).toEqual(['Claim', 'Patient'])
    fixture.behave({ lists: 'repeated' })
    expect(await types('$export?_type=Patient,Claim')).toBe(400)
    expect(await types('$export?_type=Patient&_type=Claim')).toEqual(['Claim', 'Patient'])
  })

  it('ignoredParameters have no effect and no message', async () => {
    fixture.behave({ ignoredParameters: ['_since'] })
    const path = `$export?_type=Patient&_since=${new Date(fixture.nowMs + 60_000).toISOString()}`
    const { manifest, keys } = await exportAll(fixture.server, path)
    expect([keys.length, manifest.error]).toEqual([3, []])
  })

  it('refusedParameters are 400 not-supported, or ignored with a warning for a client that wants lenience', async () => {
    fixture.behave({ refusedParameters: ['_elements'] })
    const refused = await kickOff(fixture.server, '$export?_type=Patient&_elements=id')
    expect(refused.status).toBe(400)
    expect(await refused.json()).toMatchObject({ issue: [{ severity: 'error', code: 'not-supported' }] })

    const headers = { Prefer: 'respond-async, handling=lenient' }
    const manifest = await manifestOf(await kickOff(fixture.server, '$export?_type=Patient&_elements=id', { headers }))
    expect(manifest.error).toMatchObject([{ type: 'OperationOutcome', count: 1 }])
    expect(JSON.parse((await linesOf(manifest.error[0]!.url))[0]!)).toMatchObject({
      resourceType: 'OperationOutcome',
      issue: [
        { severity: 'warning', code: 'not-supported', diagnostics: expect.stringContaining('_elements') as string },
      ],
    })
    expect((await contentsOf(manifest)).resources[0]).toHaveProperty('birthDate')
  })
})

describe('levels', () => {
  it('that are not offered are 404, and the CapabilityStatement does not name them', async () => {
    fixture.behave({ levels: ['group'] })
    expect(await status(kickOff(fixture.server, '$export'))).toBe(404)
    expect(await status(kickOff(fixture.server, 'Patient/$export'))).toBe(404)
    expect(await status(kickOff(fixture.server, 'Group/all/$export'))).toBe(202)
    const metadata = (await (await fetch(`${fixture.server.baseUrl}/metadata`)).json()) as {
      rest: [{ operation: unknown[]; resource: { type: string; operation?: unknown[] }[] }]
    }
    expect(metadata.rest[0].operation).toEqual([])
    expect(metadata.rest[0].resource.filter(({ operation }) => operation).map(({ type }) => type)).toEqual(['Group'])
  })

  it('groupPost false: a Group is exported by GET only', async () => {
    fixture.behave({ groupPost: false })
    expect(await status(postKickOff(fixture.server, 'Group/all/$export', {}))).toBe(404)
    expect(await status(postKickOff(fixture.server, 'Patient/$export', {}))).toBe(202)
    expect(await status(kickOff(fixture.server, 'Group/all/$export'))).toBe(202)
  })

  it('requireOrganized: a Group is exported by patient only', async () => {
    fixture.behave({ requireOrganized: true })
    expect(await status(kickOff(fixture.server, 'Group/all/$export'))).toBe(400)
    expect(await status(kickOff(fixture.server, 'Group/all/$export?organizeOutputBy=Patient'))).toBe(202)
    expect(await status(kickOff(fixture.server, 'Patient/$export'))).toBe(202)
  })
})

it('pastDayOnly: without _since there is only what changed in the last 24 hours, and no deletions', async () => {
  fixture.behave({ pastDayOnly: true })
  fixture.server.store.update({ resourceType: 'Basic', id: 'yesterday' })
  fixture.server.store.update({ resourceType: 'Basic', id: 'gone' })
  fixture.nowMs += 23 * 3_600_000
  fixture.server.store.remove('Basic', 'gone')
  expect(await exportAll(fixture.server)).toMatchObject({ keys: ['Basic/yesterday'], deleted: [] })
  fixture.nowMs += 2 * 3_600_000
  expect((await exportAll(fixture.server)).keys).toEqual([])
  const all = await exportAll(fixture.server, '$export?_since=1900-01-01T00:00:00Z')
  expect(all.keys.length).toBeGreaterThan(100)
  expect(all.deleted).toEqual(['Basic/gone'])
  fixture.server.store.remove('Basic', 'yesterday')
})

it('reuseJobs: the same request gets the old job unless it asks for a fresh one', async () => {
  fixture.behave({ reuseJobs: true })
  const job = async (path: string, headers: Record<string, string> = {}) =>
    (await kickOff(fixture.server, path, { headers })).headers.get('content-location')!
  const first = await job('$export?_type=Patient,Claim&_since=2020-01-01T00:00:00Z')
  expect(await job('$export?_since=2020-01-01T00:00:00Z&_type=Patient,Claim')).toBe(first)
  expect(await job('$export?_type=Patient')).not.toBe(first)
  const fresh = await job('$export?_type=Patient,Claim&_since=2020-01-01T00:00:00Z', { 'Cache-Control': 'no-cache' })
  expect(fresh).not.toBe(first)
  await fetch(fresh, { method: 'DELETE' })
  expect(await job('$export?_type=Patient,Claim&_since=2020-01-01T00:00:00Z')).toBe(first)
})

it('statusUrl may be relative or missing', async () => {
  fixture.behave({ statusUrl: 'relative' })
  const path = (await kickOff(fixture.server, 'Group/all/$export')).headers.get('content-location')!
  expect(path.startsWith('/fhir/')).toBe(true)
  expect((await fetch(new URL(path, fixture.server.baseUrl))).status).toBe(200)
  fixture.behave({ statusUrl: 'absent' })
  const accepted = await kickOff(fixture.server, '$export')
  expect([accepted.status, accepted.headers.get('content-location')]).toEqual([202, null])
})

describe('jobsAtOnce', () => {
  const own = behaviourFixture({ patients: 1 })

  it('turns a kick-off away with 429 until a job is deleted', async () => {
    own.behave({ jobsAtOnce: 1, retryAfterSeconds: 7 })
    const first = await kickOff(own.server, '$export')
    const second = await kickOff(own.server, '$export')
    expect([second.status, second.headers.get('retry-after')]).toEqual([429, '7'])
    expect(await second.json()).toMatchObject({ issue: [{ code: 'throttled' }] })
    await manifestOf(first)
    expect(await status(kickOff(own.server, '$export'))).toBe(429)
    await fetch(first.headers.get('content-location')!, { method: 'DELETE' })
    expect(await status(kickOff(own.server, '$export'))).toBe(202)
  })
})

describe('unknownGroup', () => {
  it('refused: 404; empty: an export with nothing in it, as if it were a Group of nobody', async () => {
    expect(await status(kickOff(fixture.server, 'Group/nowhere/$export'))).toBe(404)
    fixture.behave({ unknownGroup: 'empty' })
    expect((await exportAll(fixture.server, 'Group/nowhere/$export')).manifest.output).toEqual([])
    expect((await exportAll(fixture.server, 'Group/all/$export')).manifest.output.length).toBeGreaterThan(1)
  })
})

describe('groupSince', () => {
  const own = behaviourFixture({ patients: 4 })

  it('tells how much a Group export with _since has of those who joined and those who did not change', async () => {
    const { server } = own
    const patients = [...server.store.versions(['Patient'])].map(({ id }) => id)
    const group = (...members: string[]) => ({
      resourceType: 'Group',
      id: 'roster',
      member: members.map((id) => ({ entity: { reference: `Patient/${id}` } })),
    })
    const [old, changed, joined, visited] = patients as [string, string, string, string]
    server.store.update(group(old, changed, visited))
    const { manifest } = await exportAll(server, 'Group/roster/$export')
    const since = `Group/roster/$export?_since=${encodeURIComponent(manifest.transactionTime)}`
    server.store.update((await server.store.get('Patient', changed))!)
    server.store.create({ resourceType: 'Basic', id: 'visit', subject: { reference: `Patient/${visited}` } })
    server.store.update(group(old, changed, visited, joined))

    const patientsIn = (keys: string[]) => keys.filter((key) => key.startsWith('Patient/'))
    const plain = await exportAll(server, since)
    expect(plain.keys).toEqual([`Basic/visit`, `Patient/${changed}`])

    own.behave({ groupSince: 'newcomers-whole' })
    const whole = await exportAll(server, since)
    expect(patientsIn(whole.keys)).toEqual([changed, joined].map((id) => `Patient/${id}`).sort())
    const history = [...server.store.versions()].filter(
      (each) => each.type !== 'Group' && each.patients.includes(joined),
    )
    expect(history.length).toBeGreaterThan(20)
    for (const { type, id } of history) expect(whole.keys).toContain(`${type}/${id}`)
    expect(whole.keys).toHaveLength(history.length + 2)
    const next = await exportAll(server, `Group/roster/$export?_since=${whole.manifest.transactionTime}`)
    expect(next.keys).toEqual([])

    own.behave({ groupSince: 'changed-patients' })
    expect((await exportAll(server, since)).keys).toEqual([`Patient/${changed}`])
  })
})
