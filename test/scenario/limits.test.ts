import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ended, MAIN, Scenario, type Ended } from './harness.ts'
import { noSmallDisk, SmallDisk } from './small-disk.ts'
import { tableDigests } from './table-digests.ts'

const VIEWS = ['patient', 'patient_name', 'encounter', 'observation', 'observation_component']
const TYPES = '    types: [Patient, Encounter, Observation]\n'

let scenario: Scenario
beforeEach(async () => {
  scenario = await Scenario.start({ patients: 8, seed: 4, views: VIEWS }, TYPES)
})
afterEach(() => scenario.stop())

/** The same source into another lake, or with other limits: a configuration beside the first. */
async function configured(name: string, change: (yaml: string) => string): Promise<string> {
  await writeFile(join(scenario.folder, name), change(await readFile(scenario.config, 'utf8')))
  return name
}

/** Of the one source, or of the start. */
function errorOf({ stdout }: Ended) {
  const json = JSON.parse(stdout) as {
    error?: Record<string, unknown>
    sources: { error?: Record<string, unknown>; resumed?: boolean; run?: number }[]
  }
  return json.error ?? json.sources[0]!.error
}

async function undisturbed(): Promise<Record<string, string>> {
  const config = await configured('calm.yaml', (yaml) => yaml.replace('lake: lake', 'lake: calm'))
  expect((await scenario.run('sync', '--config', config)).code).toBe(0)
  return tableDigests(scenario, join(scenario.folder, 'calm', 'catalog.duckdb'))
}

/**
 * Room for the first start, and so much more for each after it: little enough that the disk is full in several places, in
 * the first tables, while files land and when it publishes.
 */
const STEP_BYTES = 128 << 10

describe('a full disk', () => {
  test('ends the run cleanly wherever that stands, and as it grows each start goes on to the tables of an undisturbed one', async ({
    skip,
  }) => {
    const why = noSmallDisk()
    if (why !== undefined) skip(why)
    const want = await undisturbed()
    const config = await configured('full.yaml', (yaml) => `minimumFreeDisk: 0B\n${yaml}`)
    const disk = await SmallDisk.make(scenario.lake, STEP_BYTES)
    try {
      let stops = 0
      let result: Ended
      for (;;) {
        disk.grow(disk.usedBytes() + (stops + 1) * STEP_BYTES)
        result = await disk.run(scenario.folder, 'sync', '--json', '--config', config)
        if (result.code === 0) break
        expect([result.code, errorOf(result)?.code, result.stderr]).toEqual([4, 'DISK_FULL', result.stderr])
        expect(result.stderr).toContain('it goes on where it stopped')
        // Nothing that was begun is left to take up room, apart from what the next start writes over.
        expect(disk.files().filter((path) => /(staging|raw)\/.*\.part$/.test(path))).toEqual([])
        stops += 1
      }
      expect(stops).toBeGreaterThan(2)
      expect(JSON.parse(result.stdout)).toMatchObject({ sources: [{ run: 1, resumed: true }] })
      disk.leave()
      expect(await tableDigests(scenario)).toEqual(want)
    } finally {
      disk.end()
    }
  }, 240_000)

  test('that is told by a limit on the size of a file ends it as cleanly', async () => {
    const want = await undisturbed()
    // Of 1,024 bytes each: enough for the database, not for the download of all observations.
    const limited = ['-c', 'ulimit -f 400; exec "$@"', 'sh', process.execPath, MAIN, 'sync', '--json']
    const result = await ended(spawn('bash', limited, { cwd: scenario.folder, stdio: ['ignore', 'pipe', 'pipe'] }))
    expect(errorOf(result)).toMatchObject({ code: 'DISK_FILE_LIMIT' })
    expect(result.code).toBe(3)
    expect((await scenario.run('sync')).code).toBe(0)
    expect(await tableDigests(scenario)).toEqual(want)
  })
})

describe('a disk that runs low', () => {
  test('stops a run before it asks for an export, with what is free and what is kept, and the next start goes on', async () => {
    const config = await configured('low.yaml', (yaml) => `minimumFreeDisk: 900TB\n${yaml}`)
    const result = await scenario.run('sync', '--json', '--config', config)
    expect(result.code).toBe(4)
    expect(errorOf(result)).toMatchObject({
      code: 'DISK_LOW',
      retryable: true,
      facts: { path: scenario.lake, minimum_free_bytes: 900e12 },
    })
    expect(result.stderr).toMatch(/no room for a new export: \d.* free in .*lake, of which minimumFreeDisk keeps 900TB/)
    expect(scenario.server.requests.kickOffs).toBe(0)
    const next = await scenario.run('sync', '--json')
    expect(next.code).toBe(0)
    expect(JSON.parse(next.stdout)).toMatchObject({ sources: [{ run: 1, resumed: true }] })
  })
})

describe('memory', () => {
  test('that does not suffice leaves the run open, and a start with more goes on to the end', async () => {
    await scenario.stop()
    // DuckDB reads a line whole, several times over.
    const data = await mkdtemp(join(tmpdir(), 'stoker-long-line-'))
    const text = { status: 'generated', div: `<div>${'x'.repeat(48 << 20)}</div>` }
    await writeFile(join(data, 'Patient.ndjson'), `${JSON.stringify({ resourceType: 'Patient', id: 'long', text })}\n`)
    scenario = await Scenario.start({ data, views: ['patient'] })
    const config = await configured('lean.yaml', (yaml) => yaml.replace('memoryLimit: 512MiB', 'memoryLimit: 128MiB'))
    const result = await scenario.run('sync', '--json', '--config', config)
    expect(errorOf(result)).toMatchObject({ code: 'STORE_MEMORY' })
    expect(result.code).toBe(3)
    const ample = await configured('ample.yaml', (yaml) => yaml.replace('memoryLimit: 512MiB', 'memoryLimit: 2GiB'))
    const next = await scenario.run('sync', '--json', '--config', ample)
    expect(next.stderr).not.toContain('what to do')
    expect(JSON.parse(next.stdout)).toMatchObject({ sources: [{ run: 1, resumed: true }] })
    expect(await scenario.read('SELECT id FROM patient')).toEqual([{ id: 'long' }])
    await rm(data, { recursive: true })
  })
})
