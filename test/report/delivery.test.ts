/** The way of events to an endpoint: in order, again and again where it is down, and never at a run's cost. */
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, onTestFinished, test } from 'vitest'
import type { Clock } from '../../src/core/clock.ts'
import type { Log } from '../../src/core/log.ts'
import { Delivery } from '../../src/report/open-lineage/delivery.ts'
import { Spool } from '../../src/report/open-lineage/spool.ts'
import { identityOf } from '../../src/report/identity.ts'
import { LineFile } from '../../src/report/line-file.ts'
import { Scenario } from '../scenario/harness.ts'
import { Endpoint } from './report-scenario.ts'

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'stoker-report-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return path
}

/** Sleeps at once, and remembers how long; whoever waits on `onSleep` decides when it goes on. */
class QuickClock implements Clock {
  readonly slept: number[] = []
  onSleep: () => void = () => undefined

  now(): Date {
    return new Date(0)
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.slept.push(ms)
    this.onSleep()
    await new Promise((resolve) => setImmediate(resolve))
    signal?.throwIfAborted()
  }
}

async function delivering(status: number, files: Record<string, string>) {
  const endpoint = await Endpoint.start()
  onTestFinished(() => endpoint.stop())
  endpoint.status = status
  const logged: string[] = []
  const line = (facts: object, message: string) => void logged.push(`${JSON.stringify(facts)} ${message}`)
  const log: Log = { trace: line, debug: line, info: line, warn: line, error: line }
  const clock = new QuickClock()
  const place = await folder()
  const spool = new Spool({ folder: place, log })
  for (const [name, text] of Object.entries(files)) await spool.put(name, text)
  const token = { reveal: () => 'A-SECRET-TOKEN' }
  const delivery = new Delivery({
    ...{ url: endpoint.url, token, userAgent: 'stoker-test', spool, clock, log },
    random: () => 0.5,
  })
  const running = delivery.run()
  onTestFinished(() => delivery.stop())
  return { endpoint, delivery, clock, spool, logged, running, place }
}

const names = ({ posted }: Endpoint) => posted.map(({ event }) => (event as unknown as { name: string }).name)

describe('delivery', () => {
  test('posts events in the order of their names, with the token, and keeps none that arrived', async () => {
    const { endpoint, delivery, place, running } = await delivering(201, {
      '2-1': '{"name":"third"}',
      '1-9': '{"name":"second"}',
      '1-1': '{"name":"first"}',
    })
    await endpoint.until(3)
    await delivery.stop()
    await running
    expect(names(endpoint)).toEqual(['first', 'second', 'third'])
    expect(endpoint.posted[0]!.headers).toMatchObject({
      authorization: 'Bearer A-SECRET-TOKEN',
      'content-type': 'application/json',
    })
    expect(endpoint.posted[0]!.path).toBe('/api/v1/lineage')
    expect(await readdir(place)).toEqual([])
  })

  test('tries an endpoint that is down again after waits that grow, and says so once', async () => {
    const { endpoint, clock, delivery, logged, running } = await delivering(503, { a: '{"name":"a"}' })
    clock.onSleep = () => clock.slept.length === 12 && (endpoint.status = 200)
    await endpoint.until(13)
    await delivery.stop()
    await running
    expect(clock.slept.slice(0, 4)).toEqual([750, 1500, 3000, 6000])
    expect(Math.max(...clock.slept)).toBe(225_000)
    expect(logged.filter((line) => line.includes('can not be delivered'))).toEqual([
      '{"status":503} OpenLineage events can not be delivered now: they are kept and tried again',
    ])
    expect(logged.at(-1)).toContain('delivered again')
  })

  test('drops an event that the endpoint refuses as such, counts and says so, and goes on; the answer is quoted nowhere', async () => {
    const { endpoint, delivery, spool, logged, running } = await delivering(422, {
      a: '{"name":"a"}',
      b: '{"name":"b"}',
    })
    await endpoint.until(2)
    await delivery.stop()
    await running
    expect(spool.dropped).toBe(2)
    expect(logged[0]).toBe(
      '{"reason":"the endpoint refuses it","status":422,"event":"a.json","dropped":1} an OpenLineage event is dropped',
    )
    expect(logged.join()).not.toMatch(/ENDPOINT-SAYS|A-SECRET-TOKEN/)
  })

  test('what comes while there is nothing to do is delivered when it is told of', async () => {
    const { endpoint, delivery, spool, running } = await delivering(200, {})
    await spool.put('late', '{"name":"late"}')
    delivery.wake()
    await endpoint.until(1)
    await delivery.stop()
    await running
    expect(names(endpoint)).toEqual(['late'])
  })
})

describe('the spool', () => {
  test('survives the process, with files for the owner alone', async () => {
    const { place, delivery, running } = await delivering(503, { b: '{"name":"b"}', a: '{"name":"a"}' })
    await delivery.stop()
    await running
    const spool = new Spool({ folder: place, log: { ...console } })
    expect(await spool.first()).toEqual({ file: 'a.json', text: '{"name":"a"}' })
    expect(await spool.count()).toBe(2)
    expect((await stat(join(place, 'a.json'))).mode & 0o777).toBe(0o600)
  })

  test('lets the oldest events go where too many wait, and counts them', async () => {
    const dropped: unknown[] = []
    const log = { warn: (facts: unknown) => dropped.push(facts) } as unknown as Log
    const spool = new Spool({ folder: await folder(), log, filesMax: 3, bytesMax: 100 })
    for (const name of ['1', '2', '3', '4']) await spool.put(name, 'x'.repeat(10))
    expect([await spool.count(), (await spool.first())?.file]).toEqual([3, '2.json'])
    await spool.put('5', 'x'.repeat(95))
    expect([await spool.count(), (await spool.first())?.file, spool.dropped]).toEqual([1, '5.json', 4])
    expect(dropped).toHaveLength(4)
  })
})

test('the id of a lake is made once, and those of its runs and exports follow from it', async () => {
  const place = await folder()
  let made = 0
  const makeId = () => `00000000-0000-4000-8000-00000000000${++made}`
  const one = await identityOf(place, makeId)
  const again = await identityOf(place, makeId)
  expect([again.run(7), again.export(7)]).toEqual([one.run(7), one.export(7)])
  expect(new Set([one.run(7), one.run(8), one.export(7)]).size).toBe(3)
  expect((await identityOf(await folder(), makeId)).run(7)).not.toBe(one.run(7))
  // By any other program: uuid5(UUID('00000000-0000-4000-8000-000000000001'), 'run/7').
  expect(one.run(7)).toBe('d0d42837-2971-523a-b76a-f62fd8e81c43')
})

test('a half line that a power cut left is ended before the next is added', async () => {
  const path = join(await folder(), 'new', 'file.ndjson')
  new LineFile(path).add('{"whole":1}')
  await writeFile(path, `${await readFile(path, 'utf8')}{"ha`)
  new LineFile(path).add('{"whole":2}', true)
  expect(await readFile(path, 'utf8')).toBe('{"whole":1}\n{"ha\n{"whole":2}\n')
  expect((await stat(path)).mode & 0o777).toBe(0o600)
})

describe('a sync with an endpoint', () => {
  let scenario: Scenario
  afterEach(() => scenario.stop())

  const reports = (endpoint: Endpoint) =>
    `reports:\n  openLineage: { url: "${endpoint.url.href}", tokenFile: token.txt, namespace: house }\n`

  test('is not held up by one that is down, or says nothing; the next one delivers what was kept, in order', async () => {
    let endpoint = await Endpoint.start()
    const { port } = endpoint
    scenario = await Scenario.start({ patients: 2, views: ['patient'] }, reports(endpoint))
    await writeFile(join(scenario.folder, 'token.txt'), 'the-token-of-the-endpoint', { mode: 0o600 })
    await endpoint.stop()
    const down = await scenario.run('sync')
    expect([down.code, down.stderr]).toEqual([0, expect.stringContaining('can not be delivered now')])
    const spool = join(scenario.lake, 'reports', 'spool')
    expect(await readdir(spool)).toEqual(['0000000001-1.json', '0000000001-9.json'])

    endpoint = await Endpoint.start(port)
    onTestFinished(() => endpoint.stop())
    endpoint.status = 0
    const silent = await scenario.run('sync')
    expect([silent.code, silent.stderr]).toEqual([0, expect.not.stringContaining('the-token')])
    expect(await readdir(spool)).toHaveLength(4)

    endpoint.status = 201
    endpoint.posted.length = 0
    expect((await scenario.run('sync')).code).toBe(0)
    expect(endpoint.posted.map(({ event }) => event.eventType)).toEqual([
      'START',
      'COMPLETE',
      'START',
      'COMPLETE',
      'START',
      'COMPLETE',
    ])
    expect(new Set(endpoint.posted.map(({ headers }) => headers.authorization))).toEqual(
      new Set(['Bearer the-token-of-the-endpoint']),
    )
    expect(await readdir(spool)).toEqual([])
  })
})
