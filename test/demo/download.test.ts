import { afterEach, expect, it } from 'vitest'
import { get, type IncomingMessage } from 'node:http'
import { gunzipSync } from 'node:zlib'
import { systemClock, type Clock } from '../../src/core/clock.ts'
import type { DemoBehaviour } from '../../src/demo/behaviour.ts'
import { startDemoServer, type DemoServer } from '../../src/demo/server.ts'
import { exportAll, kickOff, linesOf, manifestOf } from './demo-client.ts'

let server: DemoServer | undefined
afterEach(() => server?.stop())

async function start(behaviour: Partial<DemoBehaviour>, clock: Clock = systemClock): Promise<DemoServer> {
  server = await startDemoServer({ patients: 3, seed: 8, clock, behaviour: { pollsBeforeDone: 0, ...behaviour } })
  return server
}

async function outputOf(demo: DemoServer, path: string) {
  return (await manifestOf(await kickOff(demo, path))).output
}

/** The raw answer, with the body as it came over the wire. */
function download(url: string, encoding: string): Promise<{ headers: IncomingMessage['headers']; body: Buffer }> {
  return new Promise((resolve, reject) => {
    get(url, { headers: { 'accept-encoding': encoding } }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => resolve({ headers: response.headers, body: Buffer.concat(chunks) }))
      response.on('error', reject)
    }).on('error', reject)
  })
}

it('compresses a file for whoever accepts gzip, and for nobody else', async () => {
  const demo = await start({})
  const { url } = (await outputOf(demo, '$export?_type=Observation'))[0]!
  const plain = await download(url, 'identity')
  expect(plain.headers['content-encoding']).toBeUndefined()
  expect(plain.headers['content-type']).toBe('application/fhir+ndjson')
  const packed = await download(url, 'br;q=1, gzip;q=0.5')
  expect(packed.headers['content-encoding']).toBe('gzip')
  expect(packed.body.length).toBeLessThan(plain.body.length / 5)
  expect(gunzipSync(packed.body).equals(plain.body)).toBe(true)
  for (const refusing of ['gzip;q=0', 'br', '']) {
    expect((await download(url, refusing)).headers['content-encoding']).toBeUndefined()
  }
  demo.behaviour.gzip = false
  expect((await download(url, 'gzip')).headers['content-encoding']).toBeUndefined()
})

it('slows a download to the given speed, by waiting on the clock it was given', async () => {
  let sleptMs = 0
  const clock: Clock = {
    ...systemClock,
    async sleep(ms) {
      sleptMs += ms
    },
  }
  const demo = await start({ downloadBytesPerSecond: 5000 }, clock)
  const { url } = (await outputOf(demo, '$export?_type=Claim'))[0]!
  const { body } = await download(url, 'identity')
  expect(sleptMs).toBeCloseTo(body.length / 5, 0)
})

it('stops in the middle of a slow download when told, and the client sees that the file is not whole', async () => {
  const demo = await start(
    { downloadBytesPerSecond: 2000 },
    { ...systemClock, sleep: (_, signal) => systemClock.sleep(3_600_000, signal) },
  )
  const { url } = (await outputOf(demo, '$export?_type=Claim'))[0]!
  const response = await new Promise<IncomingMessage>((resolve) => get(url, resolve))
  const first = await new Promise<Buffer>((resolve) => response.once('data', resolve))
  expect(first.length).toBe(100)
  const failed = new Promise<NodeJS.ErrnoException>((resolve) => response.once('error', resolve))
  await demo.stop()
  expect((await failed).code).toBe('ECONNRESET')
})

it('outlives clients that go away in the middle of a download', async () => {
  const demo = await start(
    { downloadBytesPerSecond: 2000 },
    { ...systemClock, sleep: (_, signal) => systemClock.sleep(3_600_000, signal) },
  )
  const { url } = (await outputOf(demo, '$export?_type=Claim'))[0]!
  for (let i = 0; i < 3; i++) {
    const response = await new Promise<IncomingMessage>((resolve) => get(url, resolve))
    await new Promise((resolve) => response.once('data', resolve))
    response.destroy()
  }
  demo.behaviour.downloadBytesPerSecond = 0
  expect((await linesOf(url)).length).toBeGreaterThan(5)
})

it('divides a type among files by their number or by their length, losing and repeating nothing', async () => {
  const demo = await start({})
  const whole = await exportAll(demo, '$export?_type=Observation,Patient')
  const observations = whole.resources.filter(({ resourceType }) => resourceType === 'Observation').length
  demo.behaviour.filesPerType = 5
  const five = await exportAll(demo, '$export?_type=Observation,Patient')
  expect(five.manifest.output.filter(({ type }) => type === 'Observation')).toHaveLength(5)
  expect(five.manifest.output.filter(({ type }) => type === 'Patient')).toHaveLength(3)
  demo.behaviour = { ...demo.behaviour, filesPerType: 1, maxLinesPerFile: 20 }
  const short = await exportAll(demo, '$export?_type=Observation,Patient')
  expect(short.manifest.output.every(({ count }) => count <= 20)).toBe(true)
  expect(short.manifest.output).toHaveLength(Math.ceil(observations / 20) + 1)
  expect([five.resources, short.resources]).toEqual([whole.resources, whole.resources])
})

it('puts malformed and blank lines among the good ones, where they are not counted', async () => {
  const demo = await start({ malformedLines: { Condition: ['{"resourceType":', 'no json'] }, blankLines: 1 })
  const [patients, conditions] = await outputOf(demo, '$export?_type=Patient,Condition').then((output) =>
    output.sort((a, b) => b.type.localeCompare(a.type)),
  )
  expect((await linesOf(patients!.url)).map((line) => line === '')).toEqual([true, false, false, false])
  const lines = await linesOf(conditions!.url)
  expect(lines).toHaveLength(conditions!.count + 3)
  expect([lines[0], lines[2]]).toEqual(['', '{"resourceType":'])
  expect(lines).toContain('no json')
})
