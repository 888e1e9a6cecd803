import { describe, expect, it } from 'vitest'
import type { RetryAfterForm } from '../../src/demo/behaviour/status-behaviour.ts'
import { behaviourFixture } from './behaviour-fixture.ts'
import { contentsOf, exportAll, kickOff, manifestOf, type Manifest } from './demo-client.ts'

const fixture = behaviourFixture()

/** The status URL of a fresh job. */
async function begin(path = '$export?_type=Patient'): Promise<string> {
  return (await kickOff(fixture.server, path)).headers.get('content-location')!
}

it('neverDone: every poll is 202', async () => {
  fixture.behave({ neverDone: true })
  const job = await begin()
  for (let i = 0; i < 5; i++) expect((await fetch(job)).status).toBe(202)
  fixture.nowMs += 60 * 24 * 3_600_000
  expect((await fetch(job)).status).toBe(202)
  fixture.behave({ neverDone: false })
  expect((await fetch(job)).status).toBe(200)
})

it('neverDoneFor: exports with a _since that is none, or of a Group of nobody, are taken and never done', async () => {
  const { server } = fixture
  server.store.update({ resourceType: 'Group', id: 'nobody', type: 'person', actual: true })
  const statuses = async (path: string) => {
    const job = await begin(path)
    return [(await fetch(job)).status, (await fetch(job)).status]
  }
  expect((await kickOff(server, '$export?_since=yesterday')).status).toBe(400)
  expect(await statuses('Group/nobody/$export')).toEqual([200, 200])
  fixture.behave({ neverDoneFor: ['bad-since', 'empty-group'] })
  expect(await statuses('$export?_since=yesterday')).toEqual([202, 202])
  expect(await statuses('Group/nobody/$export')).toEqual([202, 202])
  expect(await statuses('Group/all/$export?_since=2026-01-01T00:00:00Z')).toEqual([200, 200])
  server.store.remove('Group', 'nobody')
})

it('chattyPolls: every other 202 has a body, which is no manifest', async () => {
  fixture.behave({ chattyPolls: true, pollsBeforeDone: 4 })
  const job = await begin()
  const bodies: string[] = []
  for (let poll = 0; poll < 4; poll += 1) bodies.push(await (await fetch(job)).text())
  expect(bodies.map((body) => body !== '')).toEqual([true, false, true, false])
  expect(JSON.parse(bodies[0]!)).toMatchObject({ resourceType: 'OperationOutcome' })
})

it('outcomeType: of a refusal, of an export that failed, and of an error file', async () => {
  const outcomeType = 'application/json'
  fixture.behave({ outcomeType, messages: [{ severity: 'error', code: 'processing' }] })
  const typeOf = async (answer: Promise<Response>) => (await answer).headers.get('content-type')
  expect(await typeOf(kickOff(fixture.server, 'Group/nowhere/$export'))).toBe(outcomeType)
  const job = await begin('$export?_type=Patient')
  const { output, error } = (await (await fetch(job)).json()) as Manifest
  expect(await typeOf(fetch(error[0]!.url))).toBe(outcomeType)
  expect(await typeOf(fetch(output[0]!.url))).toBe('application/fhir+ndjson')
  fixture.behave({ exportFailure: { status: 500, form: 'outcome' } })
  expect(await typeOf(fetch(job))).toBe(outcomeType)
})

it('a job that is done is forgotten a day later', async () => {
  const job = await begin()
  const expires = (await fetch(job)).headers.get('expires')!
  expect(Date.parse(expires)).toBe(fixture.nowMs + 24 * 3_600_000)
  fixture.nowMs += 24 * 3_600_000
  expect((await fetch(job)).status).toBe(404)
})

describe('Retry-After', () => {
  it.each<[RetryAfterForm, (nowMs: number) => string | null]>([
    ['seconds', () => '90'],
    ['http-date', (nowMs) => new Date(nowMs + 90_000).toUTCString()],
    ['epoch-seconds', (nowMs) => String((nowMs + 90_000) / 1000)],
    ['epoch-milliseconds', (nowMs) => String(nowMs + 90_000)],
    ['absent', () => null],
    ['absurd', () => '86400000'],
  ])('can be written as %s', async (retryAfter, expected) => {
    fixture.behave({ pollsBeforeDone: 1, retryAfterSeconds: 90, retryAfter })
    expect((await fetch(await begin())).headers.get('retry-after')).toBe(expected(fixture.nowMs))
  })
})

it('progress false: a 202 has no X-Progress', async () => {
  fixture.behave({ pollsBeforeDone: 1, progress: false })
  expect((await fetch(await begin())).headers.get('x-progress')).toBeNull()
})

it('transientPolls: the first polls of each job fail, the job does not', async () => {
  fixture.behave({ transientPolls: 2 })
  for (const job of [await begin(), await begin()]) {
    for (let i = 0; i < 2; i++) {
      const stumbled = await fetch(job)
      expect(stumbled.status).toBe(500)
      expect(await stumbled.json()).toMatchObject({ issue: [{ code: 'transient' }] })
    }
    expect((await fetch(job)).status).toBe(200)
  }
})

it('exportFailure: the job ends with the given answer, as an OperationOutcome or as HTML', async () => {
  fixture.behave({ pollsBeforeDone: 1, exportFailure: { status: 413, form: 'html' } })
  const job = await begin()
  expect((await fetch(job)).status).toBe(202)
  const html = await fetch(job)
  expect([html.status, html.headers.get('content-type')]).toEqual([413, 'text/html; charset=utf-8'])
  fixture.behave({ exportFailure: { status: 500, form: 'outcome' } })
  const outcome = await fetch(job)
  expect(outcome.status).toBe(500)
  expect(await outcome.json()).toMatchObject({ resourceType: 'OperationOutcome', issue: [{ code: 'exception' }] })
})

describe('callsPerMinute', () => {
  it('refuses what is too much in any minute: first in epoch milliseconds, then in epoch seconds', async () => {
    fixture.nowMs += 3_600_000
    fixture.behave({ callsPerMinute: 3 })
    const begunMs = fixture.nowMs
    const call = () => fetch(`${fixture.server.baseUrl}/metadata`)
    expect((await call()).status).toBe(200)
    fixture.nowMs += 10_000
    for (let i = 0; i < 2; i++) expect((await call()).status).toBe(200)
    const freeMs = begunMs + 60_000
    for (const retryAfter of [String(freeMs), String(freeMs / 1000), String(freeMs / 1000)]) {
      const refused = await call()
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, retryAfter])
    }
    expect((await fetch(`http://127.0.0.1:${fixture.server.port}/control/stats`)).status).toBe(200)
    fixture.nowMs = freeMs
    expect((await call()).status).toBe(200)
    expect((await call()).headers.get('retry-after')).toBe(String(begunMs + 70_000))
    fixture.nowMs += 60_000
  })
})

describe('readsAt poll', () => {
  it('reads one more type with each poll, as the store then is', async () => {
    fixture.behave({ readsAt: 'poll', transactionTime: 'end' })
    const types = ['Claim', 'Encounter', 'Patient']
    const job = await begin(`$export?_type=${types.join(',')}`)
    const { store } = fixture.server
    const written: string[] = []
    let manifest: Manifest | undefined
    for (let polls = 0; manifest === undefined; polls++) {
      const poll = await fetch(job)
      if (poll.status === 200) manifest = (await poll.json()) as Manifest
      expect(poll.status).toBe(polls === types.length - 1 ? 200 : 202)
      for (const type of types) {
        store.update({ resourceType: type, id: `written-${polls}` })
        written.push(`${type}/written-${polls}`)
      }
      fixture.nowMs += 1000
    }
    const { keys } = await contentsOf(manifest)
    expect(manifest.output.map(({ type }) => type)).toEqual(types)
    expect(keys.filter((key) => key.includes('written'))).toEqual([
      'Encounter/written-0',
      'Patient/written-0',
      'Patient/written-1',
    ])
    // What the naive watermark loses: neither in this export nor in the next one since its transactionTime.
    const next = await exportAll(fixture.server, `$export?_since=${manifest.transactionTime}`)
    const lost = written.filter((key) => !keys.includes(key) && !next.keys.includes(key))
    expect(lost).toEqual(expect.arrayContaining(['Claim/written-0', 'Claim/written-1', 'Encounter/written-1']))
    for (const key of written) store.remove(...(key.split('/') as [string, string]))
  })

  it('is a whole export where nothing is written meanwhile', async () => {
    const plain = await exportAll(fixture.server)
    fixture.behave({ readsAt: 'poll' })
    expect((await exportAll(fixture.server)).resources).toEqual(plain.resources)
    const organized = await exportAll(fixture.server, 'Patient/$export?organizeOutputBy=Patient')
    expect(organized.manifest.output).toHaveLength(1)
    expect((await exportAll(fixture.server, '$export?_type=Slot')).keys).toEqual([])
  })

  it('tells the deletions up to its end', async () => {
    fixture.nowMs += 1000
    const since = new Date(fixture.nowMs).toISOString()
    fixture.behave({ readsAt: 'poll' })
    const accepted = await kickOff(fixture.server, `$export?_type=Claim,Patient&_since=${since}`)
    const [claim] = [...fixture.server.store.versions(['Claim'])]
    await fetch(accepted.headers.get('content-location')!)
    fixture.nowMs += 1000
    fixture.server.store.remove('Claim', claim!.id)
    expect((await contentsOf(await manifestOf(accepted))).deleted).toEqual([`Claim/${claim!.id}`])
  })
})

it('transactionTime end: the time of the manifest, not of the cut', async () => {
  fixture.behave({ transactionTime: 'end', pollsBeforeDone: 1 })
  const job = await begin()
  await fetch(job)
  fixture.nowMs += 5000
  fixture.server.store.update({ resourceType: 'Patient', id: 'late' })
  fixture.nowMs += 5000
  const manifest = (await (await fetch(job)).json()) as Manifest
  expect(Date.parse(manifest.transactionTime)).toBe(fixture.nowMs)
  expect((await contentsOf(manifest)).keys).not.toContain('Patient/late')
  fixture.nowMs += 5000
  expect(((await (await fetch(job)).json()) as Manifest).transactionTime).toBe(manifest.transactionTime)
  fixture.server.store.remove('Patient', 'late')
})

it('releaseStatus: the DELETE of a job that is done is answered so; one that works is cancelled', async () => {
  fixture.behave({ releaseStatus: 404, pollsBeforeDone: 1 })
  const working = await begin()
  expect((await fetch(working, { method: 'DELETE' })).status).toBe(202)
  fixture.behave({ pollsBeforeDone: 0 })
  const done = await begin()
  expect((await fetch(done)).status).toBe(200)
  expect((await fetch(done, { method: 'DELETE' })).status).toBe(404)
  expect((await fetch(done)).status).toBe(200)
})

describe('partialPageFiles', () => {
  const partial = { Prefer: 'respond-async' }
  const poll = async (url: string) => {
    const response = await fetch(url)
    const text = await response.text()
    const manifest = text === '' ? undefined : (JSON.parse(text) as Manifest)
    return { status: response.status, manifest, next: manifest?.link?.[0] }
  }

  it('gives pages while the job works: a link to the next one until the last', async () => {
    fixture.behave({ partialPageFiles: 2, pollsBeforeDone: 4 })
    const types = 'Claim,Condition,Encounter,Patient,Procedure'
    const job = await begin(`$export?_type=${types}&allowPartialManifests=true`)
    const first = await poll(job)
    expect([first.status, first.manifest!.output.length]).toEqual([202, 2])
    expect(first.next).toMatchObject({ relation: 'next' })
    expect((await contentsOf(first.manifest!)).keys.length).toBeGreaterThan(2)

    const output = [...first.manifest!.output]
    let waited = 0
    for (let url = first.next?.url; url !== undefined;) {
      const page = await poll(url)
      if (page.manifest === undefined) {
        expect(page.status).toBe(202)
        waited += 1
        continue
      }
      output.push(...page.manifest.output)
      const { output: _output, link: _link, ...rest } = page.manifest
      expect(first.manifest).toMatchObject(rest)
      url = page.next?.url
    }
    expect(waited).toBeGreaterThan(0)
    expect(output.map(({ type }) => type)).toEqual(types.split(','))
    expect((await poll(job)).status).toBe(200)
    expect((await fetch(`${job}?page=9`)).status).toBe(404)
  })

  it('pages a job that is done as well, and leaves one manifest to whoever did not ask', async () => {
    fixture.behave({ partialPageFiles: 1 })
    const paged = await poll(await begin('$export?_type=Claim,Patient&allowPartialManifests=true'))
    expect([paged.status, paged.manifest!.output.length]).toEqual([200, 1])
    const second = await poll(paged.next!.url)
    expect([second.status, second.manifest!.output.length, second.next]).toEqual([200, 1, undefined])
    const whole = await manifestOf(await kickOff(fixture.server, '$export?_type=Claim,Patient', { headers: partial }))
    expect([whole.output.length, whole.link]).toEqual([2, undefined])
  })
})
