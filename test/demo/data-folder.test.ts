import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Log } from '../../src/core/log.ts'
import { silentLog } from '../../src/core/log.ts'
import { startDemoServer, type DemoServer, type DemoServerOptions } from '../../src/demo/server.ts'
import { exportAll, kickOff, linesOf, manifestOf } from './demo-client.ts'

const SYNTHEA = new URL('../fixtures/synthea/', import.meta.url).pathname

let folder: string
let server: DemoServer | undefined
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'demo-data-'))
})
afterEach(async () => {
  await server?.stop()
  await rm(folder, { recursive: true })
})

async function serve(data: string, options: DemoServerOptions = {}): Promise<DemoServer> {
  server = await startDemoServer({ data, behaviour: { pollsBeforeDone: 0 }, ...options })
  return server
}

const patient = (id: string, more: object = {}) => JSON.stringify({ resourceType: 'Patient', id, ...more })

it('serves every line of a folder byte for byte, in its order, each file in one piece', async () => {
  const demo = await serve(SYNTHEA)
  const { output } = await manifestOf(await kickOff(demo, '$export'))
  const names = (await readdir(SYNTHEA)).filter((name) => name.endsWith('.ndjson'))
  expect(output).toHaveLength(names.length)
  for (const { type, url, count } of output) {
    const source = await readFile(join(SYNTHEA, `${type}.000.ndjson`), 'utf8')
    const served = await (await fetch(url)).text()
    expect(served === source, type).toBe(true)
    expect(count).toBe(source.trimEnd().split('\n').length)
  }
})

it('goes by the type of each line, with byte order mark, carriage returns or no last newline', async () => {
  await writeFile(
    join(folder, 'a.Mixed.ndjson'),
    `\ufeff${patient('1')}\r\n\r\n{"resourceType":"Basic","id":"b","note":"é€😀"}\r\n`,
  )
  await writeFile(join(folder, 'b.0001.ndjson'), `\n${patient('2')}\n${patient('3')}`)
  await writeFile(join(folder, 'notes.txt'), 'not data')
  const demo = await serve(folder)
  const { output } = await manifestOf(await kickOff(demo, '$export'))
  const lines = Object.fromEntries(
    await Promise.all(output.map(async ({ type, url }) => [type, await linesOf(url)] as const)),
  )
  expect(lines).toEqual({
    Basic: ['{"resourceType":"Basic","id":"b","note":"é€😀"}'],
    Patient: [patient('1'), patient('2'), patient('3')],
  })
})

it('joins long and short lines across its reading and writing blocks without a seam', async () => {
  const lines = [3, 900_000, 10, 1_048_500, 5, 2_500_000, 262_000, 80, 1].map((length, index) =>
    patient(`p${index}`, { x: 'ü'.repeat(length / 2) }),
  )
  await writeFile(join(folder, 'Patient.ndjson'), `${lines.join('\n')}\n`)
  const demo = await serve(folder)
  const { output } = await manifestOf(await kickOff(demo, '$export'))
  expect(await linesOf(output[0]!.url)).toEqual(lines)
})

it('leaves out lines that are no resource and logs where the first of them stands, not what it says', async () => {
  const warnings: unknown[] = []
  const log: Log = { ...silentLog, warn: (facts) => warnings.push(facts) }
  await writeFile(join(folder, 'Patient.ndjson'), `${patient('1')}\n{"secret\n[]\n{"resourceType":"Patient"}\n`)
  expect((await serve(folder, { log })).store.counts()).toEqual({ Patient: 1 })
  expect(warnings).toEqual([{ file: 'Patient.ndjson', line: 2 }])
})

it('serves a repeated id as often as it comes, until it is changed', async () => {
  await writeFile(join(folder, 'Patient.1.ndjson'), `${patient('1', { active: true })}\n${patient('2')}\n`)
  await writeFile(join(folder, 'Patient.2.ndjson'), `${patient('1', { active: false })}\n`)
  const demo = await serve(folder)
  expect((await exportAll(demo)).keys).toEqual(['Patient/1', 'Patient/1', 'Patient/2'])
  expect(await demo.store.get('Patient', '1')).toMatchObject({ active: false })
  demo.store.update({ resourceType: 'Patient', id: '1', gender: 'other' })
  expect((await exportAll(demo)).keys).toEqual(['Patient/1', 'Patient/2'])
})

it('counts a line without lastUpdated as changed when the server started, and believes the others', async () => {
  await writeFile(
    join(folder, 'Patient.ndjson'),
    [patient('undated'), patient('old', { meta: { versionId: '4', lastUpdated: '2001-01-01T05:00:00+05:00' } })].join(
      '\n',
    ),
  )
  const demo = await serve(folder)
  expect((await exportAll(demo, '$export?_since=2001-01-01T00:00:00Z')).keys).toEqual(['Patient/undated'])
  expect((await exportAll(demo, '$export?_since=2000-12-31T23:59:59.999Z')).keys).toEqual([
    'Patient/old',
    'Patient/undated',
  ])
  const { manifest } = await exportAll(demo)
  expect((await exportAll(demo, `$export?_since=${manifest.transactionTime}`)).keys).toEqual([])
  expect(demo.store.update({ resourceType: 'Patient', id: 'old' }).meta?.versionId).toBe('5')
})

it('changes lie on top of the files: the rest is served from them unchanged', async () => {
  const demo = await serve(SYNTHEA)
  const before = await exportAll(demo)
  const { created, updated, deleted } = await demo.change({ percent: 5, seed: 2 })
  const increment = await exportAll(demo, `$export?_since=${before.manifest.transactionTime}`)
  expect(increment.keys).toEqual([...created, ...updated].sort())
  expect(increment.deleted).toEqual([...deleted].sort())
  const after = await exportAll(demo)
  expect(after.keys).toEqual([...before.keys.filter((key) => !deleted.includes(key)), ...created].sort())
})

it('has a Group "all" with every patient, and knows patients by every form of reference', async () => {
  await writeFile(
    join(folder, 'all.ndjson'),
    [
      patient('1'),
      patient('2'),
      '{"resourceType":"Observation","id":"a","subject":{"reference":"https://host.example/fhir/Patient/1"}}',
      '{"resourceType":"Observation","id":"b","subject":{"reference":"Patient/2/_history/3"}}',
      '{"resourceType":"Condition","id":"c","subject":{"reference":"urn:uuid:2"}}',
      '{"resourceType":"Coverage","id":"d","beneficiary":{"reference":"Patient/1"}}',
      '{"resourceType":"Basic","id":"e"}',
      '{"resourceType":"Organization","id":"f"}',
      '{"resourceType":"Group","id":"g","member":[{"entity":{"reference":"Patient/2"}}]}',
    ].join('\n'),
  )
  const demo = await serve(folder)
  const all = [
    'Condition/c',
    'Coverage/d',
    'Observation/a',
    'Observation/b',
    'Organization/f',
    'Patient/1',
    'Patient/2',
  ]
  expect((await exportAll(demo, 'Group/all/$export')).keys).toEqual(all)
  expect((await exportAll(demo, 'Patient/$export')).keys).toEqual(all)
  expect((await exportAll(demo, 'Group/g/$export')).keys).toEqual([
    'Condition/c',
    'Observation/b',
    'Organization/f',
    'Patient/2',
  ])
})

it('says in its error that a folder is missing or holds no NDJSON', async () => {
  await expect(startDemoServer({ data: join(folder, 'none') })).rejects.toMatchObject({ code: 'DEMO_DATA_MISSING' })
  await expect(startDemoServer({ data: folder })).rejects.toMatchObject({ code: 'DEMO_DATA_MISSING' })
})
