import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { systemClock, type Clock } from '../../src/core/clock.ts'
import { startDemoServer, type DemoServer } from '../../src/demo/server.ts'
import { contentsOf, exportAll, kickOff, manifestOf, type Resource } from './demo-client.ts'

/** A clock that stands still: every change and every export would fall on one millisecond. */
const stopped: Clock = { ...systemClock, now: () => new Date('2026-03-01T12:00:00.000Z') }

let server: DemoServer
beforeEach(async () => {
  await server?.stop()
  server = await startDemoServer({ patients: 4, seed: 5, clock: stopped, behaviour: { pollsBeforeDone: 0 } })
})
afterAll(() => server.stop())

const since = (time: string) => `$export?_since=${encodeURIComponent(time)}`

describe('the cut', () => {
  it('is the state at kick-off, whatever changes while the job runs', async () => {
    const before = await exportAll(server)
    const accepted = await kickOff(server, '$export')
    const summary = await server.change({ percent: 20 })
    expect(summary.deleted.length).toBeGreaterThan(5)
    const manifest = await manifestOf(accepted)
    await server.change({ percent: 20 })
    const after = await contentsOf(manifest)
    expect(after.resources).toEqual(before.resources)
  })

  it('gives the next export exactly what changed since, even within the same millisecond', async () => {
    const first = await exportAll(server)
    const summary = await server.change({ percent: 5 })
    const second = await exportAll(server, since(first.manifest.transactionTime))
    expect(second.keys).toEqual([...summary.created, ...summary.updated].sort())
    expect(second.deleted).toEqual([...summary.deleted].sort())
    expect(second.resources.every(({ meta }) => meta!.lastUpdated! > first.manifest.transactionTime)).toBe(true)
    expect(second.resources.every(({ meta }) => meta!.lastUpdated! < second.manifest.transactionTime)).toBe(true)
    const third = await exportAll(server, since(second.manifest.transactionTime))
    expect([third.keys, third.deleted]).toEqual([[], []])
  })

  it('reads _since as an instant, not as text', async () => {
    await server.change({ percent: 1 })
    const all = (await exportAll(server, since('2026-03-01T11:59:59Z'))).keys
    expect(all.length).toBeGreaterThan(0)
    expect((await exportAll(server, since('2026-03-01T16:59:59+05:00'))).keys).toEqual(all)
    expect((await exportAll(server, '$export?_since=2026-03-01T16:59:59.5+05:00')).keys).toEqual(all)
    expect((await exportAll(server, since('2026-03-01T12:00:01.0Z'))).keys).toEqual([])
  })
})

describe('a deletion', () => {
  it('is reported as a transaction Bundle, and only to an export with _since', async () => {
    const { manifest, keys } = await exportAll(server)
    const key = keys.find((each) => each.startsWith('Immunization/'))!
    server.store.remove('Immunization', key.split('/')[1]!)
    const full = await exportAll(server)
    expect(full.keys).toEqual(keys.filter((each) => each !== key))
    expect(full.manifest.deleted).toEqual([])
    const increment = await exportAll(server, since(manifest.transactionTime))
    expect(increment.manifest.deleted).toMatchObject([{ type: 'Bundle', count: 1 }])
    expect([increment.keys, increment.deleted]).toEqual([[], [key]])
    expect((await exportAll(server, `${since(manifest.transactionTime)}&_type=Patient`)).deleted).toEqual([])
  })

  it('followed by a new creation under the same id is output, not a deletion', async () => {
    const { manifest, resources } = await exportAll(server)
    const old = resources.find(({ resourceType }) => resourceType === 'Immunization')!
    server.store.remove('Immunization', old.id)
    server.store.create(old)
    const increment = await exportAll(server, since(manifest.transactionTime))
    expect([increment.keys, increment.deleted]).toEqual([[`Immunization/${old.id}`], []])
    expect(Number(increment.resources[0]!.meta!.versionId)).toBe(Number(old.meta!.versionId) + 2)
  })

  it('reaches a Group only if it concerns a member', async () => {
    const { manifest, resources } = await exportAll(server)
    const patients = resources.filter(({ resourceType }) => resourceType === 'Patient')
    server.store.update({
      resourceType: 'Group',
      id: 'one',
      member: [{ entity: { reference: `Patient/${patients[0]!.id}` } }],
    })
    const immunizationOf = (patient: Resource) =>
      resources.find(
        ({ resourceType, patient: owner }) =>
          resourceType === 'Immunization' && (owner as { reference: string }).reference === `Patient/${patient.id}`,
      )!
    const [inside, outside] = [immunizationOf(patients[0]!), immunizationOf(patients[1]!)]
    server.store.remove('Immunization', inside.id)
    server.store.remove('Immunization', outside.id)
    const increment = await exportAll(server, `Group/one/${since(manifest.transactionTime)}`)
    expect(increment.deleted).toEqual([`Immunization/${inside.id}`])

    server.store.remove('Patient', patients[0]!.id)
    const { deleted } = await exportAll(server, `Group/all/${since(manifest.transactionTime)}`)
    expect(deleted).toEqual(
      [...[inside, outside].map(({ id }) => `Immunization/${id}`), `Patient/${patients[0]!.id}`].sort(),
    )
  })

  it('is kept secret by a server that behaves so', async () => {
    const { manifest } = await exportAll(server)
    await server.change({ percent: 1 })
    server.behaviour.deletes = 'never'
    expect((await exportAll(server, since(manifest.transactionTime))).manifest.deleted).toEqual([])
  })
})

describe('change', () => {
  it('creates, updates and deletes at least one resource each, and no resource twice', async () => {
    const { created, updated, deleted } = await server.change({ percent: 0 })
    expect([created.length, updated.length, deleted.length]).toEqual([1, 1, 1])
    const many = await server.change({ percent: 30 })
    const total = Object.values(server.store.counts()).reduce((sum, count) => sum + count, 0)
    for (const list of [many.created, many.updated, many.deleted]) {
      expect(list.length).toBeGreaterThan(0.08 * total)
      expect(list.length).toBeLessThan(0.12 * total)
    }
    expect(new Set([...many.created, ...many.updated, ...many.deleted]).size).toBe(3 * many.created.length)
  })

  it('alters more of an updated resource than its meta, and gives it a new version', async () => {
    const before = new Map((await exportAll(server)).resources.map((each) => [`${each.resourceType}/${each.id}`, each]))
    const { updated } = await server.change({ percent: 40 })
    expect(new Set(updated.map((key) => key.split('/')[0])).size).toBeGreaterThan(8)
    for (const key of updated) {
      const [type, id] = key.split('/') as [string, string]
      const { meta, ...after } = (await server.store.get(type, id)) as Resource
      const { meta: oldMeta, ...old } = before.get(key)!
      expect(after, key).not.toEqual(old)
      expect(Number(meta!.versionId)).toBe(Number(oldMeta!.versionId) + 1)
    }
  })

  it('deletes nothing that another resource refers to', async () => {
    const { deleted } = await server.change({ percent: 40 })
    const left = JSON.stringify((await exportAll(server)).resources)
    expect(deleted.filter((key) => left.includes(`"${key}"`))).toEqual([])
  })

  it('does the same on the same store with the same seed, and something else the next time', async () => {
    const twin = await startDemoServer({ patients: 4, seed: 5, clock: stopped })
    try {
      const mine = await server.change({ percent: 3, seed: 9 })
      expect(await twin.change({ percent: 3, seed: 9 })).toEqual(mine)
      expect(await server.change({ percent: 3, seed: 9 })).not.toEqual(mine)
    } finally {
      await twin.stop()
    }
  })
})

describe('the control endpoint', () => {
  const control = (path: string, method: string, body?: unknown) =>
    fetch(`http://127.0.0.1:${server.port}/control/${path}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })

  it('changes the data and tells how much, or on request what; stores and deletes single resources', async () => {
    const changed = (await (await control('change?percent=2&seed=4&ids=true', 'POST')).json()) as { created: string[] }
    expect(changed.created.length).toBeGreaterThan(0)
    const counts = (await (await control('change?percent=2&seed=5', 'POST')).json()) as Record<string, unknown>
    expect(Object.keys(counts)).toEqual(['created', 'updated', 'deleted'])
    expect(Object.values(counts).map((count) => typeof count)).toEqual(['number', 'number', 'number'])
    const stored = await (
      await control('resource', 'PUT', { resourceType: 'Basic', id: 'note', code: { text: 'x' } })
    ).json()
    expect(stored).toMatchObject({ id: 'note', meta: { versionId: '1' } })
    const stats = await (await control('stats', 'GET')).json()
    expect(stats).toMatchObject({ resources: { Basic: 1, Patient: 4 }, requests: { kickOffs: 0 } })
    expect((await control('resource/Basic/note', 'DELETE')).status).toBe(204)
    expect((await control('resource/Basic/note', 'DELETE')).status).toBe(404)
    expect(server.store.counts()['Basic']).toBeUndefined()
  })

  it('sets single keys of the behaviour and refuses what there is not', async () => {
    expect(await (await control('behaviour', 'PUT', { pollsBeforeDone: 7 })).json()).toMatchObject({
      pollsBeforeDone: 7,
      gzip: true,
    })
    expect(server.behaviour.pollsBeforeDone).toBe(7)
    expect((await control('behaviour', 'PUT', { pollsBeforeDone: -1 })).status).toBe(400)
    const refused = await control('behaviour', 'PUT', { poolsBeforeDone: 1 })
    expect(refused.status).toBe(400)
    expect(await refused.text()).toContain('pollsBeforeDone')
  })

  it('refuses what is no resource and no percentage', async () => {
    expect((await control('resource', 'PUT', { id: 'x' })).status).toBe(400)
    expect((await control('change?percent=200', 'POST')).status).toBe(400)
    expect((await control('change?percent=lots', 'POST')).status).toBe(400)
  })
})
