import { describe, expect, it } from 'vitest'
import { PLAIN_BEHAVIOUR, parseBehaviour } from '../../src/demo/behaviour.ts'
import { DEMO_SERVERS, type DemoServerName } from '../../src/demo/demo-servers.ts'
import { behaviourFixture } from './behaviour-fixture.ts'
import { kickOff, manifestOf, type Manifest } from './demo-client.ts'

const fixture = behaviourFixture()
const put = (body: unknown) =>
  fetch(`http://127.0.0.1:${fixture.server.port}/control/behaviour`, { method: 'PUT', body: JSON.stringify(body) })

describe.each(Object.keys(DEMO_SERVERS) as DemoServerName[])('a server like %s', (name) => {
  it('behaves in ways that could be set key by key', () => {
    const behaviour = JSON.parse(JSON.stringify(DEMO_SERVERS[name])) as unknown
    expect(parseBehaviour(behaviour)).toEqual(DEMO_SERVERS[name])
  })

  it('lets a client that knows it have an export of a Group', async () => {
    expect((await put({ like: name, callsPerMinute: 0 })).status).toBe(200)
    const query = name === 'google' ? 'organizeOutputBy=Patient' : '_since=1900-01-01T00:00:00Z'
    const accepted = await kickOff(fixture.server, `Group/all/$export?${query}`)
    expect(accepted.status).toBe(202)
    const job = accepted.headers.get('content-location')!
    for (let polls = 0; ; polls++) {
      const response = await fetch(job)
      if (response.status !== 200) {
        expect([response.status, polls < 50]).toEqual([202, true])
        continue
      }
      const { output } = (await response.json()) as Manifest
      expect(output.length).toBeGreaterThan(0)
      const headers = { Accept: 'application/fhir+ndjson' }
      const answer = await fetch(output[0]!.url, { headers })
      expect([200, DEMO_SERVERS[name].fileFailures?.status]).toContain(answer.status)
      break
    }
    fixture.behave({ releaseStatus: 202 })
    await fetch(job, { method: 'DELETE' })
  })
})

it('gives a Group whole where it is like Epic, whatever _since asks', async () => {
  await put({ like: 'epic', jobsAtOnce: 9 })
  const accepted = await kickOff(fixture.server, 'Group/all/$export?_since=2999-01-01T00:00:00Z')
  const { output } = await manifestOf(accepted)
  expect(output.map(({ type }) => type)).toContain('Patient')
})

describe('the control endpoint', () => {
  it('makes the server like another, with keys of its own beside', async () => {
    await put({ blankLines: 5 })
    const behaviour = (await (await put({ like: 'hapi', neverDone: true })).json()) as object
    expect(behaviour).toEqual({ ...PLAIN_BEHAVIOUR, ...DEMO_SERVERS.hapi, neverDone: true })
  })

  it('refuses a server it does not know and says which there are', async () => {
    const refused = await put({ like: 'nobody' })
    expect(refused.status).toBe(400)
    expect(await refused.text()).toContain('group-only')
  })

  it.each([
    [{ lists: 'semicolon' }],
    [{ levels: ['planet'] }],
    [{ exportFailure: { status: 200, form: 'html' } }],
    [{ exportFailure: { status: 500 } }],
    [{ messages: [{ severity: 'error' }] }],
    [{ fileFailures: { status: 502, times: 1, every: 3 } }],
    [{ tokenFlag: 'perhaps' }],
    [{ encodings: ['zstd'] }],
    [{ filesPerType: 0 }],
    [[]],
  ])('refuses %j', async (body) => {
    expect((await put(body)).status).toBe(400)
  })

  it.each([
    [{ counts: 'no' }, '"counts" has a value it cannot take; it takes "right" or "wrong"'],
    [{ filesPerType: 0 }, 'it takes a whole number from 1 on'],
    [
      { fileFailures: true },
      'it takes null or {"status": a status from 400 to 599, "times": a whole number from 0 on, "type"?: a text}',
    ],
  ])('says of %j what it takes', async (body, takes) => {
    const { issue } = (await (await put(body)).json()) as { issue: { diagnostics: string }[] }
    expect(issue[0]!.diagnostics).toContain(takes)
  })
})
