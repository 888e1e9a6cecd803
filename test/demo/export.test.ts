import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startDemoServer, type DemoServer } from '../../src/demo/server.ts'
import { EXPORT_HEADERS, exportAll, kickOff, manifestOf, type Resource } from './demo-client.ts'

let server: DemoServer
beforeAll(async () => {
  server = await startDemoServer({ patients: 8, seed: 3, behaviour: { pollsBeforeDone: 2, retryAfterSeconds: 0 } })
})
afterAll(() => server.stop())

interface GroupResource extends Resource {
  member: { entity: { reference: string } }[]
}

describe('an export', () => {
  it('goes from kick-off over polls to a manifest whose files hold what it counts', async () => {
    const accepted = await kickOff(server, '$export')
    expect(accepted.status).toBe(202)
    const status = accepted.headers.get('content-location')!
    expect(status.startsWith(`${server.baseUrl}/`)).toBe(true)
    for (const progress of ['33% done', '66% done']) {
      const poll = await fetch(status)
      expect([poll.status, poll.headers.get('x-progress'), poll.headers.get('retry-after')]).toEqual([
        202,
        progress,
        '0',
      ])
    }
    const done = await fetch(status)
    expect(done.status).toBe(200)
    expect(Date.parse(done.headers.get('expires')!)).toBeGreaterThan(Date.now())
    const { output, ...rest } = (await done.json()) as Awaited<ReturnType<typeof manifestOf>>
    expect(rest).toMatchObject({
      request: `${server.baseUrl}/$export`,
      requiresAccessToken: false,
      deleted: [],
      error: [],
    })
    expect(Object.fromEntries(output.map(({ type, count }) => [type, count]))).toEqual(server.store.counts())
    const { keys } = await exportAll(server)
    expect(new Set(keys).size).toBe(output.reduce((sum, { count }) => sum + count, 0))
  })

  it('at Patient level leaves out Groups, at Group level everybody else as well', async () => {
    const system = await exportAll(server)
    const patient = await exportAll(server, 'Patient/$export')
    expect(patient.keys).toEqual(system.keys.filter((key) => !key.startsWith('Group/')))

    const seniors = (await server.store.get('Group', 'seniors')) as GroupResource
    const members = seniors.member.map(({ entity }) => entity.reference)
    expect(members.length).toBeGreaterThan(0)
    expect(members.length).toBeLessThan(8)
    const group = await exportAll(server, 'Group/seniors/$export')
    expect(group.keys.filter((key) => key.startsWith('Patient/'))).toEqual(members.sort())
    const subjects = group.resources
      .flatMap(
        ({ subject, patient: owner, beneficiary }) => (subject ?? owner ?? beneficiary ?? []) as { reference: string },
      )
      .map(({ reference }) => reference)
    expect(subjects.length).toBeGreaterThan(50)
    expect(subjects.filter((reference) => !members.includes(reference))).toEqual([])
    expect(group.resources.some(({ resourceType }) => resourceType === 'Practitioner')).toBe(true)
  })

  it('takes _type as a comma list, repeated, and in a Parameters body', async () => {
    const types = async (accepted: Promise<Response>) =>
      (await manifestOf(await accepted)).output.map(({ type }) => type).sort()
    const wanted = ['Condition', 'Patient']
    expect(await types(kickOff(server, '$export?_type=Patient,Condition'))).toEqual(wanted)
    expect(await types(kickOff(server, '$export?_type=Patient&_type=Condition'))).toEqual(wanted)
    expect(
      await types(
        kickOff(server, '$export', {
          method: 'POST',
          headers: { 'Content-Type': 'application/fhir+json' },
          body: JSON.stringify({
            resourceType: 'Parameters',
            parameter: [
              { name: '_type', valueString: 'Patient' },
              { name: '_type', valueString: 'Condition' },
              { name: '_outputFormat', valueString: 'application/fhir+ndjson' },
            ],
          }),
        }),
      ),
    ).toEqual(wanted)
    expect(await types(kickOff(server, '$export?_type=Slot'))).toEqual([])
  })

  it.each([
    ['without Prefer: respond-async', '$export', { Accept: EXPORT_HEADERS.Accept }, 400],
    ['with another Accept', '$export', { ...EXPORT_HEADERS, Accept: 'text/html' }, 400],
    ['with a type FHIR does not have', '$export?_type=Patient,Pacient', EXPORT_HEADERS, 400],
    ['with a _since that is no instant', '$export?_since=yesterday', EXPORT_HEADERS, 400],
    ['with another format', '$export?_outputFormat=text/csv', EXPORT_HEADERS, 400],
    ['with a parameter it does not know', '$export?_summary=true', EXPORT_HEADERS, 400],
    ['of an unknown Group', 'Group/nobody/$export', EXPORT_HEADERS, 404],
  ])('is refused %s', async (_, path, headers, status) => {
    const response = await fetch(`${server.baseUrl}/${path}`, { headers })
    expect(response.status).toBe(status)
    expect(response.headers.get('content-type')).toContain('application/fhir+json')
    expect(await response.json()).toMatchObject({ resourceType: 'OperationOutcome', issue: [{ severity: 'error' }] })
  })

  it('ignores what it does not know when asked to be lenient', async () => {
    const accepted = await kickOff(server, '$export?_summary=true&_type=Patient', {
      headers: { Prefer: 'respond-async, handling=lenient' },
    })
    expect((await manifestOf(accepted)).output).toHaveLength(1)
  })

  it('is gone, files and all, once deleted', async () => {
    const accepted = await kickOff(server, '$export?_type=Patient')
    const status = accepted.headers.get('content-location')!
    const { output } = await manifestOf(accepted)
    expect((await fetch(output[0]!.url)).status).toBe(200)
    expect((await fetch(status, { method: 'DELETE' })).status).toBe(202)
    expect((await fetch(status)).status).toBe(404)
    expect((await fetch(output[0]!.url)).status).toBe(404)
    expect((await fetch(status, { method: 'DELETE' })).status).toBe(404)
  })
})

it('describes itself: export operations, no token URL where none is needed', async () => {
  const statement = (await (await fetch(`${server.baseUrl}/metadata`)).json()) as {
    rest: [{ security?: unknown; operation: { name: string }[]; resource: { type: string; operation?: unknown[] }[] }]
  }
  expect(statement.rest[0].operation[0]?.name).toBe('export')
  expect(statement.rest[0].resource.filter(({ operation }) => operation).map(({ type }) => type)).toEqual([
    'Group',
    'Patient',
  ])
  expect(statement.rest[0].security).toBeUndefined()
  expect((await fetch(`${server.baseUrl}/.well-known/smart-configuration`)).status).toBe(404)
})

it('lets a Group be read, and no other resource', async () => {
  const read = async (path: string) => {
    const answer = await fetch(`${server.baseUrl}/${path}`)
    return [answer.status, ((await answer.json()) as { id?: string }).id]
  }
  expect(await read('Group/everyone')).toEqual([200, 'everyone'])
  expect(await read('Group/all')).toEqual([200, 'all'])
  expect(await read('Group/nowhere')).toEqual([404, undefined])
  const [patient] = server.store.versions(['Patient'])
  expect((await read(`Patient/${patient!.id}`))[0]).toBe(404)
})

it('answers 404 to an unknown address, 405 to a wrong method and never falls over', async () => {
  expect((await fetch(`${server.baseUrl}/Patient`)).status).toBe(404)
  expect((await fetch(`http://127.0.0.1:${server.port}//`)).status).toBe(404)
  expect((await fetch(`http://127.0.0.1:${server.port}/%zz`)).status).toBe(404)
  const wrong = await fetch(`${server.baseUrl}/$export`, { method: 'PUT' })
  expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'GET, POST'])
})

it('says in its error that a port is taken', async () => {
  await expect(startDemoServer({ port: server.port, patients: 1 })).rejects.toMatchObject({ code: 'DEMO_PORT_TAKEN' })
})

it('counts what was asked of it, step by step', async () => {
  const fresh = await startDemoServer({ patients: 1, behaviour: { pollsBeforeDone: 1 } })
  try {
    await exportAll(fresh, '$export?_type=Patient')
    expect(fresh.requests).toEqual({
      kickOffs: 1,
      polls: 2,
      cancels: 0,
      downloads: 1,
      tokens: 0,
      redirects: 0,
      authorizationAtStorage: 0,
      publications: 0,
      discoveries: 0,
      kickOffLines: ['GET /fhir/$export?_type=Patient'],
    })
  } finally {
    await fresh.stop()
  }
})
