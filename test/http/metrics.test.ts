/** Metrics as Prometheus reads them: counted by the ledger and by what happens, true after a restart. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DemoServer } from '../../src/demo/server.ts'
import { serve, type Served } from './http-fixture.ts'
import { SmallWorker } from './small-worker.ts'

let server: DemoServer
let worker: SmallWorker
let served: Served

/** Run 1 of `field` succeeds, run 2 of `ward` can not have its file. */
beforeAll(async () => {
  worker = await SmallWorker.start(3)
  server = worker.server
  served = await serve(worker.deps())
  worker.trigger('field', { full: false })
  await worker.ended('field')
  server.behaviour = { ...server.behaviour, fileFailures: { status: 404, times: 99, type: 'Patient' } }
  worker.trigger('ward', { full: false })
  await worker.ended('ward')
})
afterAll(async () => {
  await served.stop()
  await worker.remove()
})

const lines = async (from = served) => (await from.ask('/metrics')).text.split('\n')
const values = async (name: string, from = served) =>
  Object.fromEntries(
    (await lines(from))
      .filter((line) => line.startsWith(name))
      .map((line) => [line.slice(name.length, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  )

test('each metric is named as Prometheus wants it, and says what it is', async () => {
  const all = await lines()
  const names = all.filter((line) => line.startsWith('# TYPE ')).map((line) => line.split(' ').slice(2))
  expect(names.length).toBeGreaterThan(25)
  for (const [name, kind] of names) {
    expect(name).toMatch(/^(?:stoker|process)_[a-z_]+$/)
    expect(name!.endsWith('_total'), name).toBe(kind === 'counter')
    expect(all.find((line) => line.startsWith(`# HELP ${name} `))).toMatch(/\.$/)
  }
  expect((await served.ask('/metrics')).headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/)
})

test('freshness, runs, resources, phases, bytes and rows are what the ledger says', async () => {
  const freshness = await values('stoker_freshness_seconds')
  expect(Object.keys(freshness)).toEqual(['{source="field",type="Condition"}', '{source="field",type="Patient"}'])
  for (const seconds of Object.values(freshness)) expect(seconds).toBeGreaterThan(0)
  // What never happened is there with 0: its first time is a rise that an alert sees.
  expect(await values('stoker_runs_total')).toEqual({
    '{source="field",result="succeeded"}': 1,
    '{source="field",result="cancelled"}': 0,
    '{source="field",result="failed"}': 0,
    '{source="ward",result="succeeded"}': 0,
    '{source="ward",result="cancelled"}': 0,
    '{source="ward",result="failed"}': 1,
  })
  expect(await values('stoker_reloads_total')).toEqual({ '{result="reloaded"}': 0, '{result="refused"}': 0 })
  expect((await values('stoker_resources_total'))['{source="field",type="Patient",change="inserted"}']).toBe(3)
  expect((await values('stoker_received_bytes_total'))['{source="field"}']).toBeGreaterThan(1_000)
  expect(Object.keys(await values('stoker_phase_seconds_total'))).toContain('{source="field",phase="merge"}')
  expect((await values('stoker_table_rows'))['{table="patient"}']).toBe(3)
  expect(await values('stoker_snapshot_number')).toEqual({ '': 1 })
})

test('the worker and its process are told: sources, queue, failures, heartbeat, disk, memory', async () => {
  worker.heartbeat = { at: new Date(Date.now() - 30_000), rss: 1, diskFree: 123, hasRoom: false }
  expect(await values('stoker_sources')).toMatchObject({ '{activity="idle"}': 2, '{activity="running"}': 0 })
  expect(await values('stoker_queue_length')).toEqual({ '': 0 })
  expect((await values('stoker_source_failures'))['{source="ward"}']).toBe(1)
  expect((await values('stoker_heartbeat_age_seconds'))['']).toBeGreaterThanOrEqual(30)
  expect(await values('stoker_disk_free_bytes')).toEqual({ '': 123 })
  expect(await values('stoker_disk_has_room')).toEqual({ '': 0 })
  expect((await values('process_resident_memory_bytes'))['']).toBeGreaterThan(1e7)
})

test('a configuration that was refused is told until one is taken', async () => {
  const ok = () => values('stoker_last_reload_successful')
  expect(await ok()).toEqual({ '': 1 })
  worker.reloadAnswer = { kind: 'refused', code: 'CONFIG_INVALID', message: '1 mistake in stoker.yaml' }
  await worker.reload()
  expect(await ok()).toEqual({ '': 0 })
  worker.reloadAnswer = { kind: 'reloaded', changed: [] }
  await worker.reload()
  expect(await ok()).toEqual({ '': 1 })
  const { at } = worker.lastReload!
  expect(await values('stoker_last_reload_timestamp_seconds')).toEqual({ '': at.getTime() / 1000 })
})

test('waits that an operator would wonder at are counted as they happen', async () => {
  const delayed = {
    source: 'field',
    run: 1,
    kind: 'delayed',
    step: 'status',
    code: 'BULK_BUSY',
    status: 429,
    ms: 2_500,
  } as const
  for (let i = 0; i < 2; i++) worker.tell({ kind: 'run', event: delayed })
  expect(await values('stoker_retries_total')).toEqual({ '{source="field",step="status",code="BULK_BUSY"}': 2 })
  expect(await values('stoker_retry_wait_seconds_total')).toEqual({ '{source="field",step="status"}': 5 })
})

test('a worker that starts anew goes on counting where the last one was', async () => {
  const before = await values('stoker_runs_total')
  const another = await serve(worker.deps())
  expect(await values('stoker_runs_total', another)).toEqual(before)
  expect(await values('stoker_retries_total', another)).toEqual({})
  await another.stop()
})

test('many who ask at once cost one look', async () => {
  let looks = 0
  const deps = worker.deps()
  const counting = await serve({
    ...deps,
    ask: (sql) => (sql.includes('stoker.watermark') && (looks += 1), deps.ask(sql)),
  })
  await Promise.all(Array.from({ length: 20 }, () => counting.ask('/metrics')))
  expect(looks).toBeLessThan(20)
  await counting.stop()
})
