/** The command beside a worker that serves the lake: it asks the worker, and says what it would have said by itself. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WorkerClient } from '../../src/cli/worker-client.ts'
import type { DemoServer } from '../../src/demo/server.ts'
import { ledgerQuestions } from '../../src/http/ledger-question.ts'
import { stoker as stokerHere, stokerProcess, type Ended } from '../cli/command.ts'
import { serve, type Served } from './http-fixture.ts'
import { SmallWorker } from './small-worker.ts'

let server: DemoServer
let worker: SmallWorker
let served: Served

beforeAll(async () => {
  worker = await SmallWorker.start(3)
  server = worker.server
  served = await serve(worker.deps())
})
afterAll(async () => {
  await served.stop()
  await worker.remove()
})

const stoker = (...words: string[]): Promise<Ended> => stokerHere(...words, '--config', worker.configFile)
/** As a process of its own: what would open the lake in this one would take the worker's lock from it. */
const beside = (...words: string[]): Promise<Ended> => stokerProcess(...words, '--config', worker.configFile)
const json = async (...words: string[]) => {
  const { stdout, stderr } = await stoker(...words, '--json')
  expect(stderr).not.toContain('stoker:')
  return JSON.parse(stdout) as Record<string, unknown>
}

describe('stoker sync', () => {
  test('has the worker do it, shows its progress, and tells the same result', async () => {
    const { code, stdout, stderr } = await beside('sync', 'field')
    expect(code, stderr).toBe(0)
    expect(stderr).toContain(`note: the worker of this lake, PID ${process.pid}, is asked for it\n`)
    expect(stderr).toMatch(
      /field run 1: started, full\n[^]*field run 1: landed Patient: 3 resources[^]*published snapshot 1/,
    )
    expect(stdout).toMatch(/^field: run 1, full, /)
    expect(stdout).toMatch(/Patient +3 +3 +0 +0 +0 +0 +patient 3\n/)
    expect(stdout).toContain(`parquet  ${join(worker.folder, 'lake', 'snapshots', '000001')}\n`)
  })

  test('gives programs what it gives them without a worker', async () => {
    const { sources } = (await json('sync', 'field', 'ward')) as { sources: Record<string, unknown>[] }
    expect(sources).toMatchObject([
      { source: 'field', mode: 'incremental', resumed: false, types: [{ type: 'Condition' }, { type: 'Patient' }] },
      { source: 'ward', mode: 'full', resumed: false, types: [{ type: 'Patient', inserted: 3 }] },
    ])
    expect(sources[0]).toHaveProperty('started_at')
  })

  test('ends as the run did, with its error and its exit code', async () => {
    server.behaviour = { ...server.behaviour, levels: ['group'] }
    const { code, stderr } = await stoker('sync', 'field')
    server.behaviour = { ...server.behaviour, levels: ['system', 'patient', 'group'] }
    expect(code).toBe(3)
    expect(stderr).toMatch(/stoker: field: .*404/)
    expect(stderr).toMatch(/\n {2}what to do: /)
  })

  test('follows a run that is under way, and begins a full one after it where that is asked for', async () => {
    worker.trigger('field', { full: false })
    const { code, stderr, stdout } = await stoker('sync', 'field', '--full')
    expect(code, stderr).toBe(0)
    if (stderr.includes('under way')) expect(stderr).toContain('a full one follows')
    expect(stdout).toMatch(/^field: run \d+, full, /)
  })

  test('a source that only the configuration has is told, and the others are done', async () => {
    const text = await readFile(worker.configFile, 'utf8')
    await writeFile(worker.configFile, text + text.slice(text.lastIndexOf('  - {')).replace('ward', 'annex'))
    const { code, stdout, stderr } = await stoker('sync', 'annex', 'field')
    await writeFile(worker.configFile, text)
    expect(code).toBe(3)
    expect(stderr).toMatch(/stoker: annex: the worker has no such source\n {2}what to do: It has: field, ward/)
    expect(stdout).toMatch(/^field: run /)
  })
})

describe('stoker cancel', () => {
  test('has the worker end its run, and says when there is none', async () => {
    server.behaviour = { ...server.behaviour, neverDone: true }
    const waiting = new Promise<void>((resolve) => {
      worker.subscribe((event) => event.kind === 'run' && event.event.kind === 'waiting' && resolve())
    })
    const following = stoker('sync', 'ward')
    await waiting
    const cancelled = await stoker('cancel', 'ward')
    server.behaviour = { ...server.behaviour, neverDone: false }
    expect(cancelled.stdout).toMatch(/^ward: run \d+ is cancelled; the next sync begins anew\n$/)
    const followed = await following
    expect(followed.code).not.toBe(0)
    expect((await stoker('cancel', 'ward')).stdout).toBe('ward: no run is under way\n')
  })
})

describe('what reads the ledger', () => {
  test('asks the worker for the present state, not the newest snapshot', async () => {
    const status = await stoker('status')
    expect([status.code, status.stderr]).toEqual([0, ''])
    expect(status.stdout).not.toContain('as of the newest snapshot')
    expect(await json('status')).toMatchObject({ live: true, purges: [] })
    expect(await json('runs', '-n', '2')).toMatchObject({
      live: true,
      runs: [{ run: expect.any(Number) as number }, {}],
    })
    expect(await json('runs', 'show', '1')).toMatchObject({ live: true, run: 1, files: [{}, {}] })
    expect(await json('snapshots')).toMatchObject({ live: true })
    expect(await json('cohort', 'list')).toEqual({ live: true, cohorts: [], mistakes: [] })
    expect((await stoker('runs', 'show', '99')).stderr).toMatch(
      /there is no run 99\n {2}what to do: the last one is \d+/,
    )
    expect((await stoker('runs', 'filed')).stderr).toContain('did you mean field?')
  })

  test('follows a row to its file, and to its line where that is asked for', async () => {
    const id = [...server.store.versions(['Patient'])][0]!.id
    const { stdout } = await stoker('lineage', 'patient', `field/Patient/${id}`)
    expect(stdout).toMatch(/ run +1, full, /)
    expect(stdout).not.toContain('as of the newest snapshot')
    expect(await json('lineage', 'patient', `field/Patient/${id}`)).toMatchObject({ live: true, state: 'held' })
    const raw = await stoker('lineage', 'patient', `field/Patient/${id}`, '--raw')
    expect(JSON.parse(raw.stdout)).toMatchObject({ resourceType: 'Patient', id })
    const none = await stoker('lineage', 'patient', 'field/Patient/nobody')
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('was never seen')])
  })

  test('what comes over the wire is what the database tells, to the type of each value', async () => {
    const { lake, ask } = worker.deps()
    const local = ledgerQuestions(ask)
    const remote = (await WorkerClient.find(lake))!.ledger
    const id = [...server.store.versions(['Patient'])][0]!.id
    const key = { table: 'patient', source: 'field', type: 'Patient', id }
    const both = async (name: string, asked: (questions: typeof local) => Promise<unknown>) =>
      expect(await asked(remote), name).toEqual(await asked(local))
    await both('sources', (each) => each.sources())
    await both('overview', (each) => each.overview())
    await both('purges', (each) => each.purges())
    await both('runs', (each) => each.runs({ sources: ['field'], limit: 9 }))
    await both('run', (each) => each.run({ run: 1 }))
    await both('no run', (each) => each.run({ run: 99 }))
    await both('lastRun', (each) => each.lastRun())
    await both('snapshots', (each) => each.snapshots({ limit: 9 }))
    await both('tables', (each) => each.tables())
    await both('sourcesOf', (each) => each.sourcesOf({ table: 'patient', type: 'Patient', id }))
    await both('versions', (each) => each.versions(key))
    await both('rows', (each) => each.rows(key))
    await both('rawPath', (each) => each.rawPath({ file: 1 }))
  })
})

describe('a worker that can not be asked', () => {
  const path = () => join(worker.folder, 'lake', 'http.json')

  test.each([
    ['that is gone', { pid: 2 ** 22 + 1 }],
    ['of another host, where its address is another machine', { host: 'etl-2' }],
    ['whose port somebody else has', { url: 'http://127.0.0.1:1' }],
  ])('is passed over, one %s: it is as without http', async (_what, changes) => {
    const text = await readFile(path(), 'utf8')
    await writeFile(path(), JSON.stringify({ ...(JSON.parse(text) as object), ...changes }))
    const { stdout, code } = await beside('status')
    expect(await WorkerClient.find(worker.deps().lake)).toBeUndefined()
    await writeFile(path(), text)
    expect(code).toBe(0)
    expect(stdout).toContain('as of the newest snapshot')
  })

  test('and what stands in a broken file is no address', async () => {
    const text = await readFile(path(), 'utf8')
    for (const broken of ['', '{', '[]', '{"url":"x"}', text.replace('http://', 'nothing ')]) {
      await writeFile(path(), broken)
      expect(await WorkerClient.find(worker.deps().lake)).toBeUndefined()
    }
    await writeFile(path(), text)
    expect(await WorkerClient.find(worker.deps().lake)).toBeDefined()
  })
})

test('a worker that stops while it is followed is told, with the exit code that says: run again', async () => {
  server.behaviour = { ...server.behaviour, neverDone: true }
  const waiting = new Promise<void>((resolve) => {
    worker.subscribe((event) => event.kind === 'run' && event.event.kind === 'waiting' && resolve())
  })
  const following = stoker('sync', 'ward')
  await waiting
  await Promise.all([worker.stop(), served.stop()])
  const { code, stderr } = await following
  expect(stderr).toMatch(/stoker: ward: the worker was stopped before ward was done\n/)
  expect(code).toBe(4)
})
