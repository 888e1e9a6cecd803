import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { Lake } from '../../src/warehouse/lake.ts'
import { Lease } from '../../src/warehouse/snapshot/leases.ts'
import { Scenario } from './harness.ts'

const SLICE = new URL('../fixtures/synthea/', import.meta.url).pathname
const VIEWS = ['patient', 'patient_name', 'encounter', 'encounter_diagnosis', 'condition']
const TYPES = '    types: [Patient, Encounter, Condition]\n'

let scenario: Scenario
afterEach(() => scenario.stop())

/** Files of the lake, but Parquet, that have one of the words in them. */
async function filesWith(...words: string[]): Promise<string[]> {
  const found: string[] = []
  for (const each of await readdir(scenario.lake, { recursive: true, withFileTypes: true })) {
    if (!each.isFile() || each.name.endsWith('.parquet')) continue
    let text = ''
    const path = join(each.parentPath, each.name)
    for await (const chunk of createReadStream(path, 'latin1') as AsyncIterable<string>) text += chunk
    if (words.some((word) => text.includes(word))) found.push(path.slice(scenario.lake.length + 1))
  }
  return found
}

interface PurgedJson {
  readonly index_rows: number
  readonly raw_lines: number
  readonly snapshots_removed: readonly number[]
  readonly places: readonly { readonly place: string; readonly found: number }[]
}

test('a patient is purged by one command, asked for first, and the next full export brings them back', async () => {
  scenario = await Scenario.start({ data: SLICE, views: VIEWS }, TYPES)
  expect((await scenario.run('sync')).code).toBe(0)
  const [{ id, family }] = (await scenario.read(
    'SELECT p.id, n.family_name AS family FROM patient AS p JOIN patient_name AS n USING (_resource_key) ORDER BY id LIMIT 1',
  )) as [{ id: string; family: string }]
  expect((await filesWith(id, family)).length).toBeGreaterThan(0)

  const unasked = await scenario.run('purge', '--patient', id)
  expect(unasked).toMatchObject({ code: 2, stdout: expect.stringContaining('1 Patient') as string })
  const purged = await scenario.run('purge', '--patient', `demo/${id}`, '--yes', '--json')
  expect(purged).toMatchObject({ code: 0, stderr: '' })
  const [told] = JSON.parse(purged.stdout) as [PurgedJson]
  expect(told.places.map(({ place, found }) => [place, found])).toEqual(
    ['raw log', 'rejects', 'view tables', 'index', 'snapshots', 'files'].map((place) => [place, 0]),
  )
  expect(told).toMatchObject({ snapshots_removed: [1] })
  expect(told.raw_lines).toBe(told.index_rows)
  expect(await filesWith(id, family)).toEqual([])
  expect(await scenario.read(`SELECT * FROM encounter WHERE patient_key = 'demo/Patient/${id}'`)).toEqual([])
  expect((await scenario.run('purge', '--finish')).stdout).toBe('Nothing is left to finish.\n')

  const again = await scenario.run('sync', '--full', '--json')
  const [{ types }] = (JSON.parse(again.stdout) as { sources: [{ types: { inserted: number }[] }] }).sources
  expect(types.reduce((sum, type) => sum + type.inserted, 0)).toBe(told.index_rows)
  // What that repeated went when the run was done; by hand, all files of a type are joined.
  expect(again.stderr).toMatch(/raw log compacted: .* without \d+ lines that nothing needs/)
  const compacted = await scenario.run('compact', '--json')
  const [done] = JSON.parse(compacted.stdout) as [{ files_after: number }]
  expect(done.files_after).toBe(3)
  expect((await scenario.run('compact', '--source', 'nowhere')).code).toBe(2)
})

test('a snapshot that somebody reads while a patient is purged is told of, and goes by purge --finish', async () => {
  scenario = await Scenario.start({ data: SLICE }, '    types: [Patient]\n')
  expect((await scenario.run('sync')).code).toBe(0)
  const [{ id }] = (await scenario.read('SELECT id FROM patient ORDER BY id LIMIT 1')) as [{ id: string }]
  const lease = (await Lease.take(new Lake(scenario.lake), 1))!
  const purged = await scenario.run('purge', '--patient', id, '--yes')
  expect(purged).toMatchObject({ code: 4, stderr: '' })
  expect(purged.stdout).toMatch(/^snapshots that still have it: 1; they are being read: stoker purge --finish/m)
  expect(purged.stdout).toContain('NOT everything is gone')
  expect(await scenario.run('purge', '--finish')).toMatchObject({
    code: 4,
    stdout: 'snapshots that have what was purged are still being read: 1\n',
  })
  await lease.release()
  expect(await scenario.run('purge', '--finish')).toMatchObject({
    code: 0,
    stdout: 'snapshots that had what was purged are gone: 1\n',
  })
  expect((await readdir(join(scenario.lake, 'snapshots'))).sort()).toEqual(['000002'])
})
