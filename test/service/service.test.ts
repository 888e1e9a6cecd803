import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { loadConfig } from '../../src/app/config.ts'
import type { OpenWorker } from '../../src/app/worker-context.ts'
import { StokerError } from '../../src/core/errors.ts'
import type { ServiceOptions } from '../../src/service/service.ts'
import { HandClock } from './hand-clock.ts'
import { copyViews } from '../scenario/harness.ts'
import { HeldRuns, openLake, OpenService, sourcesYaml } from './open-service.ts'

const EACH_MINUTE = '* * * * *'
const busy = new StokerError('BULK_BUSY', 'busy', { retryable: true })
const refused = new StokerError('BULK_REFUSED', 'no', { hint: 'ask them' })

let shared: OpenWorker
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stoker-shared-'))
  const file = join(folder, 'stoker.yaml')
  await copyViews(['patient'], join(folder, 'views'))
  await writeFile(
    file,
    `lake: lake\nminimumFreeDisk: 0B\nviews: {shipped: false, folders: [views]}\n${sourcesYaml({ a: undefined })}\n`,
  )
  shared = await openLake(await loadConfig(file))
})
afterAll(async () => {
  await shared.close()
  await rm(folder, { recursive: true, force: true })
})

/** Over a lake without a run, which no test here writes to. */
async function begin(sources: Record<string, string | undefined>, options: Partial<Omit<ServiceOptions, 'open'>> = {}) {
  const clock = new HandClock()
  const runs = new HeldRuns(clock)
  const made = await OpenService.start(sourcesYaml(sources), { clock, runOne: runs.runOne, open: shared, ...options })
  await clock.settle()
  return { clock, runs, made, service: made.service }
}

describe('a schedule', () => {
  test('begins a run at its time, and the next at the next', async () => {
    const { clock, runs, made } = await begin({ a: EACH_MINUTE })
    await clock.pass(59_999)
    expect(runs.begun).toEqual([])
    expect(made.state('a')).toMatchObject({ activity: 'idle', nextAt: new Date('2026-11-21T10:01:00Z') })
    await clock.pass(1)
    expect(made.state('a')).toMatchObject({ activity: 'running', nextAt: new Date('2026-11-21T10:02:00Z') })
    await runs.of('a').succeed()
    expect(made.state('a')).toMatchObject({ activity: 'idle', failures: 0 })
    await clock.pass(60_000)
    expect(runs.begun).toEqual(['a', 'a'])
  })

  test('passes over times that come while the source runs', async () => {
    const { clock, runs } = await begin({ a: EACH_MINUTE })
    await clock.pass(200_000)
    expect(runs.begun).toEqual(['a'])
    await runs.of('a').succeed()
    expect(runs.begun).toEqual(['a'])
    await clock.pass(40_000)
    expect(runs.begun).toEqual(['a', 'a'])
  })

  test('is not needed to be asked for, and without one a source is never run', async () => {
    const { clock, runs, service } = await begin({ a: undefined })
    await clock.pass(86_400_000)
    expect(runs.begun).toEqual([])
    expect(service.trigger('a', { full: false })).toBe('queued')
    await clock.settle()
    expect(runs.begun).toEqual(['a'])
  })
})

describe('sources', () => {
  test('run as many at once as may, in the order of their times, and none twice at once', async () => {
    const { clock, runs, made, service } = await begin({ a: EACH_MINUTE, b: EACH_MINUTE, c: EACH_MINUTE })
    await clock.pass(60_000)
    expect(runs.now.map(({ source }) => source)).toEqual(['a', 'b'])
    expect(made.state('c')).toMatchObject({ activity: 'queued' })
    for (const name of ['a', 'b', 'c']) expect(service.trigger(name, { full: false })).toBe('already')
    await runs.of('b').succeed()
    expect(runs.now.map(({ source }) => source)).toEqual(['a', 'c'])
  })

  test('that only wait for their server leave their places to those of other servers, and work when one is free', async () => {
    const clock = new HandClock()
    const runs = new HeldRuns(clock)
    const hosts = { slow: 1, slow2: 1, slow3: 1, b: 2, c: 3, d: 4 } as const
    const names = Object.keys(hosts) as (keyof typeof hosts)[]
    const sources = Object.fromEntries(names.map((name) => [name, EACH_MINUTE]))
    const yaml = sourcesYaml(sources, (name) => hosts[name as keyof typeof hosts])
    const made = await OpenService.start(yaml, { clock, runOne: runs.runOne, open: shared })
    await clock.pass(60_000)
    expect(runs.begun).toEqual(['slow', 'slow2'])
    const slow = runs.of('slow')
    slow.place.yield()
    runs.of('slow2').place.yield()
    await clock.settle()
    // A third export of the slow server would only make it slower.
    expect(runs.begun).toEqual(['slow', 'slow2', 'b', 'c'])
    expect(made.state('slow3')).toMatchObject({ activity: 'queued' })

    const told: string[] = []
    const { signal } = slow.context
    const work = slow.place.during(
      signal,
      async () => void told.push('works'),
      () => told.push('waits'),
    )
    await clock.settle()
    expect(told).toEqual(['waits'])
    // Whoever is under way goes before whoever has not begun.
    await runs.of('b').succeed()
    await work
    await clock.settle()
    expect(told).toEqual(['waits', 'works'])
    expect(runs.begun).toEqual(['slow', 'slow2', 'b', 'c', 'd'])
  })

  test('that are asked for wholly while they wait are loaded wholly, also when the run has to be tried again', async () => {
    const { clock, runs, service } = await begin({ a: undefined, b: undefined, c: undefined })
    for (const name of ['a', 'b', 'c']) service.trigger(name, { full: false })
    await clock.settle()
    expect(service.trigger('c', { full: true })).toBe('already')
    await runs.of('a').succeed()
    expect(runs.of('c').full).toBe(true)
    await runs.of('c').fail(busy)
    await clock.pass(15_000)
    expect(runs.of('c').full).toBe(true)
    await runs.of('c').succeed()
    service.trigger('c', { full: false })
    await clock.settle()
    expect(runs.of('c').full).toBe(false)
  })

  test('that nobody knows can not be asked for', async () => {
    const { service } = await begin({ a: undefined })
    expect(() => service.trigger('z', { full: false })).toThrow('there is no source z')
    await expect(service.cancel('z')).rejects.toMatchObject({ code: 'SOURCE_UNKNOWN' })
  })
})

describe('a source that fails', () => {
  test('backs off, is shown with its error, and does not hold up the others', async () => {
    const { clock, runs, made } = await begin({ bad: EACH_MINUTE, good: EACH_MINUTE })
    await clock.pass(60_000)
    await runs.of('good').succeed()
    await runs.of('bad').fail(busy)
    expect(made.state('bad')).toMatchObject({
      activity: 'backing-off',
      failures: 1,
      retryAt: new Date('2026-11-21T10:01:15Z'),
      error: { code: 'BULK_BUSY', retryable: true },
    })
    await clock.pass(15_000)
    await runs.of('bad').fail(busy)
    expect(made.state('bad')).toMatchObject({ failures: 2, retryAt: new Date('2026-11-21T10:01:45Z') })
    await clock.pass(30_000)
    await runs.of('bad').fail(busy)
    // Its own time at 10:02 does not hurry it.
    await clock.pass(45_000)
    expect(runs.now.map(({ source }) => source)).toEqual(['good'])
    await clock.pass(15_000)
    await runs.of('bad').succeed()
    expect(made.state('bad')).toMatchObject({ activity: 'idle', failures: 0, error: undefined, retryAt: undefined })
  })

  test('for good waits for its time, or for an operator', async () => {
    const { clock, runs, made, service } = await begin({ a: '*/10 * * * *', b: undefined })
    service.trigger('b', { full: false })
    await clock.pass(600_000)
    await runs.of('a').fail(refused)
    await runs.of('b').fail(refused)
    expect(made.state('a')).toMatchObject({ activity: 'backing-off', retryAt: new Date('2026-11-21T10:20:00Z') })
    expect(made.state('b')).toMatchObject({ activity: 'idle', retryAt: undefined, error: { hint: 'ask them' } })
    expect(service.trigger('a', { full: false })).toBe('queued')
    await clock.settle()
    expect(made.state('a')).toMatchObject({ activity: 'running', retryAt: undefined })
  })

  test('by an error that nobody foresaw is logged with its place and without its words', async () => {
    const { clock, runs, made } = await begin({ a: EACH_MINUTE })
    await clock.pass(60_000)
    await runs.of('a').fail(new TypeError('Jane Doe is no number'))
    const text = JSON.stringify([made.lines, made.state('a')])
    expect(text).not.toContain('Jane')
    expect(text).toContain('service.test.ts')
    expect(made.state('a')?.error).toMatchObject({ code: 'INTERNAL', retryable: false })
  })

  test('because the database is at its end ends the worker, with the way out', async () => {
    const { clock, runs, made } = await begin({ a: EACH_MINUTE })
    await clock.pass(60_000)
    const { database } = made.open.context
    vi.spyOn(database, 'using').mockRejectedValueOnce(new StokerError('STORE_FAILED', 'DuckDB refused (FATAL Error)'))
    await runs.of('a').fail(new StokerError('STORE_FAILED', 'no'))
    expect(await made.over).toMatchObject({ code: 'STORE_DEAD', retryable: true })
  })
})

describe('a clock that is set', () => {
  const DAY_MS = 86_400_000

  test('forward: what was to come meanwhile comes once, within a minute', async () => {
    const { clock, runs } = await begin({ a: '15 2 * * *' })
    clock.set(30 * DAY_MS)
    await clock.pass(60_000)
    expect(runs.begun).toEqual(['a'])
    await runs.of('a').succeed()
    await clock.pass(120_000)
    expect(runs.begun).toEqual(['a'])
  })

  test('back: what was to come does not wait until the old time comes again', async () => {
    const { clock, runs, made } = await begin({ a: '15 2 * * *', b: undefined })
    made.service.trigger('b', { full: false })
    await clock.settle()
    await runs.of('b').fail(busy)
    clock.set(-400 * DAY_MS)
    await clock.pass(60_000)
    expect(made.state('a')?.nextAt).toEqual(new Date('2025-10-18T02:15:00Z'))
    expect(runs.begun).toEqual(['b', 'b'])
    expect(made.lines.filter(({ message }) => message.startsWith('the clock was put back'))).toHaveLength(1)
  })

  test('back by a moment: no time comes twice', async () => {
    const { clock, runs } = await begin({ a: '15 2 * * *' })
    await clock.pass(16.25 * 3_600_000)
    await runs.of('a').succeed()
    clock.set(-2_000)
    await clock.pass(120_000)
    expect(runs.begun).toEqual(['a'])
  })
})

describe('an old run that is taken to its end', () => {
  test('is followed by one that makes up for the times since, once', async () => {
    const { clock, runs } = await begin({ a: EACH_MINUTE })
    await clock.pass(60_000)
    await runs.of('a').succeed({ resumed: true, startedAt: new Date('2026-11-20T10:00:00Z') })
    expect(runs.begun).toEqual(['a', 'a'])
    await runs.of('a').succeed()
    expect(runs.begun).toEqual(['a', 'a'])
  })
})

describe('a start', () => {
  const RUN = `INSERT INTO stoker.run VALUES (1, 'a', 'full', $1, $2::TIMESTAMPTZ, NULL, NULL, NULL, '0', NULL, NULL, NULL)`

  async function restarted(sources: Record<string, string | undefined>, state: string, startedAt: string) {
    const clock = new HandClock()
    const runs = new HeldRuns(clock)
    await shared.context.ledger.run(RUN, [state, startedAt])
    onTestFinished(async () => void (await shared.context.ledger.run('DELETE FROM stoker.run')))
    const made = await OpenService.start(sourcesYaml(sources), { clock, runOne: runs.runOne, open: shared })
    await clock.settle()
    return { clock, runs, made }
  }

  test('goes on with an unfinished run, also of a source without a schedule', async () => {
    const { runs } = await restarted({ b: undefined, a: undefined }, 'open', '2026-11-21T09:00:00Z')
    expect(runs.begun).toEqual(['a'])
  })

  test('knows of the failures before it, as the ledger tells them', async () => {
    const runs: [source: string, state: string, code: string | null][] = [
      ['mended', 'failed', 'BULK_REFUSED'],
      ['mended', 'done', null],
      ['failing', 'done', null],
      ['failing', 'failed', 'BULK_REFUSED'],
      ['failing', 'failed', 'SOURCE_CHANGED'],
      ['failing', 'failed', 'BULK_REFUSED'],
      ['waiting', 'open', 'BULK_BUSY'],
      ['given-up', 'failed', 'BULK_REFUSED'],
      ['given-up', 'failed', 'CANCELLED'],
    ]
    const values = runs.map(
      ([source, state, code], i) =>
        `(${i + 1}, '${source}', 'full', '${state}', TIMESTAMPTZ '2026-11-20T10:00:00Z', '0',
          ${code === null ? 'NULL, NULL, NULL' : `'${code}', 'no', 'ask them'`})`,
    )
    onTestFinished(async () => void (await shared.context.ledger.run('DELETE FROM stoker.run')))
    await shared.context.ledger.run(
      `INSERT INTO stoker.run (run, source, mode, state, started_at, stoker_version, error_code, error_message, error_hint)
       VALUES ${values.join(', ')}`,
    )
    const sources = { mended: undefined, failing: undefined, waiting: undefined, 'given-up': undefined }
    const clock = new HandClock()
    const held = new HeldRuns(clock)
    const made = await OpenService.start(sourcesYaml(sources), { clock, runOne: held.runOne, open: shared })
    await clock.settle()
    expect(made.service.sources().map(({ name, failures, error }) => [name, failures, error?.run])).toEqual([
      ['mended', 0, undefined],
      ['failing', 2, 6],
      ['waiting', 1, 7],
      ['given-up', 0, undefined],
    ])
    const error = { code: 'BULK_REFUSED', message: 'no', hint: 'ask them', retryable: false }
    expect(made.state('failing')?.error).toMatchObject({ ...error, at: new Date('2026-11-20T10:00:00Z') })
    expect(made.state('waiting')).toMatchObject({ activity: 'running', error: { retryable: true } })
    await held.of('waiting').succeed()
    expect(made.state('waiting')).toMatchObject({ activity: 'idle', failures: 0, error: undefined })
  })

  test('catches up once on a time that was missed', async () => {
    const { runs, clock, made } = await restarted({ a: '15 2 * * *' }, 'done', '2026-11-10T02:15:00Z')
    expect(runs.begun).toEqual(['a'])
    await runs.of('a').succeed()
    await clock.pass(60_000)
    expect(runs.begun).toEqual(['a'])
    expect(made.state('a')?.nextAt).toEqual(new Date('2026-11-22T02:15:00Z'))
  })

  test('catches up on nothing where nothing was missed', async () => {
    const { runs } = await restarted({ a: '15 2 * * *' }, 'failed', '2026-11-21T02:15:30Z')
    expect(runs.begun).toEqual([])
  })
})

describe('a disk without room', () => {
  test('lets no run begin, and lets them begin when there is room again', async () => {
    let free = 10
    const clock = new HandClock()
    const runs = new HeldRuns(clock)
    const made = await OpenService.start(sourcesYaml({ a: EACH_MINUTE }), {
      clock,
      runOne: runs.runOne,
      freeBytes: async () => free,
      open: shared,
    })
    // A guard of the real disk would take its time to answer.
    const room = vi.spyOn(made.open.context.disk, 'room').mockImplementation(async () => Math.max(0, free - 1e6))
    onTestFinished(() => room.mockRestore())
    await clock.pass(60_000)
    expect(made.state('a')).toMatchObject({ activity: 'queued' })
    expect(made.service.heartbeat).toMatchObject({ diskFree: 10, hasRoom: false })
    expect(made.lines.filter(({ level }) => level === 'warn').map(({ message }) => message)).toEqual([
      'no room on the disk (10B are free): no run begins before there is some',
    ])
    free = 1e9
    await clock.pass(10_000)
    expect(made.state('a')).toMatchObject({ activity: 'running' })
  })
})

describe('cancelling', () => {
  test('ends the run that is under way, and takes back what the source waits for', async () => {
    const { clock, runs, made, service } = await begin({ a: undefined, b: undefined, c: undefined })
    for (const name of ['a', 'b', 'c']) service.trigger(name, { full: false })
    await clock.settle()
    expect(await service.cancel('a')).toEqual({ run: undefined })
    expect(await service.cancel('c')).toEqual({ run: undefined })
    await clock.settle()
    expect([made.state('a')?.activity, made.state('b')?.activity, made.state('c')?.activity]).not.toContain('queued')
    expect(made.state('a')).toMatchObject({ activity: 'idle', failures: 0, error: undefined })
    await runs.of('b').fail(busy)
    await service.cancel('b')
    expect(made.state('b')).toMatchObject({ activity: 'idle', retryAt: undefined })
  })

  test('is refused for a run that is being published', async () => {
    const { clock, runs, service } = await begin({ a: undefined })
    service.trigger('a', { full: false })
    await clock.settle()
    const { observe } = runs.of('a').context
    observe({ source: 'a', run: 3, kind: 'started', mode: 'full', resumed: false })
    observe({ source: 'a', run: 3, kind: 'publishing' })
    await expect(service.cancel('a')).rejects.toMatchObject({ code: 'CANCEL_COMMITTED' })
    expect(runs.now).toHaveLength(1)
  })
})

describe('a new configuration', () => {
  test('adds, removes and changes sources, while a run ends under the old one', async () => {
    const { clock, runs, made, service } = await begin({ a: EACH_MINUTE, b: EACH_MINUTE, c: EACH_MINUTE })
    await clock.pass(60_000)
    await made.configure(sourcesYaml({ d: undefined, b: '30 * * * *' }))
    expect(await service.reload()).toEqual({
      kind: 'reloaded',
      changed: ['source d added', 'source b changed', 'source a removed', 'source c removed'],
    })
    expect(service.sources().map(({ name, activity }) => [name, activity])).toEqual([
      ['d', 'idle'],
      ['b', 'running'],
      ['a', 'running'],
    ])
    expect(made.state('b')?.nextAt).toEqual(new Date('2026-11-21T10:30:00Z'))
    expect(() => service.trigger('a', { full: false })).toThrow('no source a')
    await runs.of('a').succeed()
    await runs.of('b').succeed()
    expect(service.sources().map(({ name }) => name)).toEqual(['d', 'b'])
    await clock.pass(600_000)
    expect(runs.begun).toEqual(['a', 'b'])
  })

  test('leaves the time of an unchanged schedule as it is', async () => {
    const { clock, made, service } = await begin({ a: '5 * * * *' }, { random: () => 0.5 })
    await made.configure(sourcesYaml({ a: '5 * * * *' }).replace('jitterSeconds: 0', 'jitterSeconds: 600'))
    await service.reload()
    expect(made.state('a')?.nextAt).toEqual(new Date('2026-11-21T10:10:00Z'))
    await clock.pass(6 * 60_000)
    expect(await service.reload()).toEqual({ kind: 'reloaded', changed: [] })
    expect(made.state('a')?.nextAt).toEqual(new Date('2026-11-21T10:10:00Z'))
  })

  test('lets a source that fails be tried at once when it was changed', async () => {
    const { clock, runs, made, service } = await begin({ a: EACH_MINUTE })
    await clock.pass(60_000)
    await runs.of('a').fail(refused)
    await made.configure(sourcesYaml({ a: EACH_MINUTE }).replace('127.0.0.1:1/', '127.0.0.1:2/'))
    await service.reload()
    await clock.settle()
    expect(made.state('a')).toMatchObject({ activity: 'running' })
  })

  test.each([
    ['with a mistake', (yaml: string) => yaml.replace('level: system', 'level: sistem'), /CONFIG_INVALID|sistem|level/],
    ['that is not there any more', () => 'sources: []', /sources/],
    [
      'of another memory limit',
      (yaml: string) => `threads: 1\n${yaml}`,
      /^threads can not change while the worker runs; stop the worker/,
    ],
    [
      'with another address for its page',
      (yaml: string) => `http: {listen: none}\n${yaml}`,
      /^http\.listen can not change/,
    ],
    [
      'with two of them',
      (yaml: string) => `threads: 1\ndeletions: keep\n${yaml}`,
      /^threads and deletions can not change/,
    ],
  ])('%s is refused whole, and the old one stays in force', async (_what, change, message) => {
    const { made, service, clock } = await begin({ a: EACH_MINUTE })
    const before = service.sources()
    expect(service.lastReload).toBeUndefined()
    await made.configure(change(sourcesYaml({ a: EACH_MINUTE, z: EACH_MINUTE })))
    const answer = await service.reload()
    expect(answer).toMatchObject({ kind: 'refused', message: expect.stringMatching(message) as string })
    expect(service.sources()).toEqual(before)
    const error = { code: expect.stringMatching(/^CONFIG_/) as string }
    expect(service.lastReload).toMatchObject({ at: clock.now(), ok: false, error })
    await made.configure(sourcesYaml({ a: EACH_MINUTE }))
    await service.reload()
    expect(service.lastReload).toEqual({ at: clock.now(), ok: true, error: undefined })
    expect(made.events.filter(({ kind }) => kind === 'reloaded')).toHaveLength(2)
  })
})

describe('stopping', () => {
  test('ends runs where they are, begins no other, and tells of it once', async () => {
    const { clock, runs, made, service } = await begin({ a: EACH_MINUTE, b: EACH_MINUTE, c: EACH_MINUTE })
    await clock.pass(60_000)
    expect(await made.stop()).toBeUndefined()
    await service.stop()
    expect(runs.now).toEqual([])
    expect(runs.begun).toEqual(['a', 'b'])
    expect(made.events.filter(({ kind }) => kind === 'stopping')).toHaveLength(1)
    expect(made.lines.filter(({ level }) => level === 'error')).toEqual([])
    expect(() => service.trigger('a', { full: false })).toThrow('stopping')
    expect(await service.reload()).toMatchObject({ kind: 'refused', code: 'WORKER_STOPPING' })
  })
})

describe('subscribers', () => {
  test('are told of runs, sources, snapshots and heartbeats until they leave; one that throws harms nobody', async () => {
    const { clock, runs, made, service } = await begin({ a: EACH_MINUTE })
    const seen: string[] = []
    const leave = service.subscribe(({ kind }) => seen.push(kind))
    service.subscribe(() => {
      throw new Error('no')
    })
    await clock.pass(60_000)
    const { observe } = runs.of('a').context
    observe({ source: 'a', run: 3, kind: 'started', mode: 'full', resumed: false })
    expect(made.state('a')?.progress).toMatchObject({ run: 3, step: 'asking' })
    observe({ source: 'a', run: 3, kind: 'published', snapshot: 9, tables: 1, carriedOver: 0 })
    expect(new Set(seen)).toEqual(new Set(['heartbeat', 'source', 'run', 'published']))
    leave()
    const { length } = seen
    await runs.of('a').succeed()
    expect(made.state('a')?.progress).toBeUndefined()
    expect(seen).toHaveLength(length)
  })
})

describe('what follows a snapshot', () => {
  test('is done with the newest, one at a time; its failure is logged and stops nothing', async () => {
    const done: number[] = []
    let go: () => void = () => undefined
    const work = async (snapshot: number) => {
      done.push(snapshot)
      if (snapshot === 1) await new Promise<void>((resolve) => (go = resolve))
      if (snapshot === 4) throw new Error('a secret')
    }
    const { clock, runs, made } = await begin({ a: EACH_MINUTE }, { afterSnapshot: [{ id: 'cohorts', work }] })
    await clock.pass(60_000)
    const publish = (snapshot: number) =>
      runs.of('a').context.observe({ source: 'a', run: 3, kind: 'published', snapshot, tables: 1, carriedOver: 0 })
    for (const snapshot of [1, 2, 3, 4]) publish(snapshot)
    go()
    await clock.settle()
    publish(5)
    await clock.settle()
    expect(done).toEqual([1, 4, 5])
    const told = made.events.flatMap((event) => (event.kind === 'cohorts' ? [event.snapshot] : []))
    expect(told).toEqual([1, 5])
    const errors = made.lines.filter(({ level }) => level === 'error')
    expect(errors).toMatchObject([
      { message: 'cohorts failed after snapshot 4', facts: { hook: 'cohorts', snapshot: 4 } },
    ])
    expect(JSON.stringify(errors)).not.toContain('secret')
  })
})
