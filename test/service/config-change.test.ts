import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadConfig } from '../../src/app/config.ts'
import { changedViews, compareConfigs } from '../../src/service/config-change.ts'
import { fingerprint } from '../../src/service/fingerprint.ts'
import { Secret } from '../../src/app/secret.ts'

const BASE = {
  lake: 'lake: lake',
  memoryLimit: 'memoryLimit: 256MB',
  threads: 'threads: 1',
  downloads: 'downloads: 4',
  views: 'views: {shipped: true}',
  deletions: 'deletions: remove',
  rawLog: 'rawLog: {keep: all}',
  snapshots: 'snapshots: {keep: 5}',
  readers: 'readers: owner',
  minimumFreeDisk: 'minimumFreeDisk: 1GB',
  worker: 'worker: {sourcesAtOnce: 1}',
  http: 'http: {listen: "127.0.0.1:8650", tokenEnv: TOKEN}',
  query: 'query: {seconds: 5}',
  cohorts: 'cohorts: [one]',
  reports: 'reports: {bulkLog: log.ndjson}',
  sources:
    'sources: [{name: a, baseUrl: "http://localhost/fhir", level: system, auth: {kind: bearer, tokenEnv: TOKEN}}]',
}

const folders: string[] = []
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))))

async function load(changed: Partial<typeof BASE> = {}, token = 'long enough to pass') {
  const folder = await mkdtemp(join(tmpdir(), 'stoker-change-'))
  folders.push(folder)
  const file = join(folder, 'stoker.yaml')
  await writeFile(file, Object.values({ ...BASE, ...changed }).join('\n'))
  const { views, ...config } = await loadConfig(file, { TOKEN: token })
  // Each is loaded from a folder of its own.
  const here = JSON.stringify(folder).slice(1, -1)
  const moved = (text: string) => text.replaceAll(here, '/x')
  return {
    ...config,
    lake: moved(config.lake),
    views,
    cohorts: config.cohorts.map(moved),
    reports: { ...config.reports, bulkLog: moved(config.reports.bulkLog!) },
  }
}

let before: Awaited<ReturnType<typeof load>>
beforeAll(async () => {
  before = await load()
})

test('the same configuration changes nothing', async () => {
  expect(compareConfigs(before, await load())).toEqual({ fixed: [], changed: [] })
})

test.each([
  ['lake', { lake: 'lake: other' }],
  ['memoryLimit', { memoryLimit: 'memoryLimit: 300MB' }],
  ['threads', { threads: '' }],
  ['deletions', { deletions: 'deletions: keep' }],
  ['http.listen', { http: 'http: {listen: "127.0.0.1:8651", tokenEnv: TOKEN}' }],
  ['query', { query: 'query: {seconds: 6}' }],
  ['cohorts', { cohorts: 'cohorts: [one, two]' }],
  ['reports', { reports: 'reports: {bulkLog: other.ndjson}' }],
])('%s can not change while the worker runs', async (key, changed) => {
  expect(compareConfigs(before, await load(changed))).toEqual({ fixed: [key], changed: [] })
})

test.each([
  ['downloads', { downloads: 'downloads: 5' }],
  ['rawLog', { rawLog: 'rawLog: {keep: latest}' }],
  ['snapshots', { snapshots: 'snapshots: {keep: 6}' }],
  ['readers', { readers: 'readers: group' }],
  ['minimumFreeDisk', { minimumFreeDisk: 'minimumFreeDisk: 2GB' }],
  ['worker', { worker: 'worker: {sourcesAtOnce: 2}' }],
])('%s takes effect', async (key, changed) => {
  expect(compareConfigs(before, await load(changed))).toEqual({ fixed: [], changed: [`${key} changed`] })
})

test('another token is a change, of a source and of the page, though nobody sees it', async () => {
  const after = await load({}, 'another long one, as good')
  expect(compareConfigs(before, after)).toEqual({ fixed: ['http.token'], changed: ['source a changed'] })
  expect(fingerprint({ a: new Secret('x') })).not.toContain('x"')
})

test('views that differ, are new or are gone are named', () => {
  const view = (name: string, hash: string) => ({ name, hash }) as Parameters<typeof changedViews>[0][number]
  const held = [view('a', '1'), view('b', '1'), view('c', '1')]
  expect(changedViews(held, [view('a', '1'), view('b', '2'), view('d', '1')])).toEqual(['b', 'c', 'd'])
  expect(changedViews(held, held)).toEqual([])
})
