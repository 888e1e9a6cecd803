import { describe, expect, it } from 'vitest'
import { demoKeyPair } from '../../src/demo/demo-key-pair.ts'
import { startDemoServer } from '../../src/demo/server.ts'
import { behaviourFixture } from './behaviour-fixture.ts'
import { bearer, contentsOf, exportAll, signIn, type Manifest } from './demo-client.ts'

const fixture = behaviourFixture()

const get = (headers: Record<string, string> = {}) => fetch(`${fixture.server.baseUrl}/$bulk-publish`, { headers })
const publish = () => fetch(`http://127.0.0.1:${fixture.server.port}/control/publish`, { method: 'POST' })
const manifest = async () => (await (await get()).json()) as Manifest & { manifestType: string }

describe('$bulk-publish', () => {
  it('is a manifest of the whole store as it was when it was published', async () => {
    const first = await manifest()
    expect(first).toMatchObject({
      manifestType: 'http://hl7.org/fhir/uv/bulkdata/StructureDefinition/BulkPublishManifest',
      requiresAccessToken: false,
      deleted: [],
    })
    expect(first).not.toHaveProperty('request')
    expect(first).not.toHaveProperty('link')
    const all = await exportAll(fixture.server)
    expect((await contentsOf(first)).keys).toEqual(all.keys)

    fixture.nowMs += 1000
    fixture.server.store.update({ resourceType: 'Basic', id: 'new' })
    const [claim] = [...fixture.server.store.versions(['Claim'])]
    fixture.server.store.remove('Claim', claim!.id)
    expect(await manifest()).toEqual(first)

    const { transactionTime } = (await (await publish()).json()) as { transactionTime: string }
    const second = await manifest()
    expect(second.transactionTime).toBe(transactionTime)
    expect(transactionTime > first.transactionTime).toBe(true)
    expect(second.deleted).toEqual([{ url: expect.any(String) as string, count: 1 }])
    const contents = await contentsOf(second)
    expect(contents.deleted).toEqual([`Claim/${claim!.id}`])
    expect(contents.keys).toEqual((await exportAll(fixture.server)).keys)
    const urls = [first, second].flatMap(({ output }) => output.map(({ url }) => url))
    expect(new Set(urls).size).toBe(urls.length)
    expect((await contentsOf(first)).keys).toEqual(all.keys)
  })

  it('has an ETag that changes with it and answers 304 to whoever knows it', async () => {
    const etag = (await get()).headers.get('etag')!
    const known = await get({ 'If-None-Match': `"other", ${etag}` })
    expect([known.status, known.headers.get('etag'), await known.text()]).toEqual([304, etag, ''])
    await publish()
    const changed = await get({ 'If-None-Match': etag })
    expect(changed.status).toBe(200)
    expect(changed.headers.get('etag')).not.toBe(etag)
  })

  it('is read page by page where publishPageFiles says so', async () => {
    const whole = await manifest()
    fixture.behave({ publishPageFiles: 4 })
    const pages = [await manifest()]
    for (let next = pages[0]!.link; next; next = pages.at(-1)!.link) {
      expect(next).toHaveLength(1)
      expect(next[0]).toMatchObject({ relation: 'next', url: expect.stringMatching(/^http:/) as string })
      const response = await fetch(next[0]!.url)
      expect(response.headers.get('etag')).toBeTruthy()
      pages.push((await response.json()) as (typeof pages)[0])
    }
    expect(pages).toHaveLength(Math.ceil((whole.output.length + whole.deleted.length) / 4))
    expect(pages.flatMap(({ output }) => output)).toEqual(whole.output)
    expect(pages.flatMap(({ deleted }) => deleted)).toEqual(whole.deleted)
    expect(new Set(pages.map(({ transactionTime }) => transactionTime)).size).toBe(1)
    expect((await fetch(`${fixture.server.baseUrl}/published/1/pages/99`)).status).toBe(404)
    expect((await fetch(`${fixture.server.baseUrl}/published/99/pages/1`)).status).toBe(404)
  })

  it('asks for a token where the server does', async () => {
    const pair = await demoKeyPair()
    const server = await startDemoServer({ patients: 1, auth: pair })
    try {
      expect((await fetch(`${server.baseUrl}/$bulk-publish`)).status).toBe(401)
      const token = await signIn(server, pair)
      const told = (await (
        await fetch(`${server.baseUrl}/$bulk-publish`, { headers: bearer(token) })
      ).json()) as Manifest
      expect(told.requiresAccessToken).toBe(true)
      expect((await fetch(told.output[0]!.url)).status).toBe(401)
      expect((await contentsOf(told, token)).keys.length).toBeGreaterThan(10)
    } finally {
      await server.stop()
    }
  })
})
