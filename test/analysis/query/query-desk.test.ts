import { readdir } from 'node:fs/promises'
import { buffer, text } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { QueryDesk, QueryLimits } from '../../../src/analysis/query/query-desk.ts'
import { CONTENT_TYPES } from '../../../src/analysis/query/query-request.ts'
import { openQueryDesk } from '../../../src/app/query-desk.ts'
import { spillsIn } from '../../../src/store/spill.ts'
import { SnapshotFixture } from './snapshot-fixture.ts'

const NAMES = 'SELECT family FROM patient_name ORDER BY family'
/** DuckDB hears of no interrupt while it works at it. */
const ENDLESS = `SELECT levenshtein(repeat('a', 300000), repeat('b', 300000))`

let fixture: SnapshotFixture
let desk: QueryDesk
beforeAll(async () => {
  fixture = await SnapshotFixture.make()
})
afterAll(() => fixture.close())
const make = (limits: Partial<QueryLimits> = {}) => openQueryDesk(fixture.lake, limits)
beforeEach(() => {
  desk = make()
})
afterEach(async () => {
  desk.close()
  await expect.poll(leftovers).toEqual([])
})

async function leftovers(): Promise<string[]> {
  return (await readdir(spillsIn(fixture.lake.root))).filter((name) => name.startsWith('query-'))
}

async function code(answer: Promise<unknown>): Promise<string> {
  return answer.then(
    () => 'answered',
    (error: unknown) => (error as { code: string }).code,
  )
}

describe('an answer', () => {
  test('is whole before it is given away, and says what it took and of which snapshot it is', async () => {
    const answer = await desk.answer({ sql: NAMES, format: 'json' })
    expect(answer.contentType).toBe(CONTENT_TYPES.json)
    const body = await text(answer.read())
    expect(JSON.parse(body)).toEqual([{ family: 'A' }, { family: 'B' }])
    expect(answer.stats).toEqual({
      rows: 2,
      bytes: Buffer.byteLength(body),
      milliseconds: expect.any(Number) as number,
      snapshot: 2,
    })
  })

  test('may be of an older snapshot, and has its parameters bound', async () => {
    const sql = 'SELECT family FROM patient_name WHERE family = $name'
    const answer = await desk.answer({ sql, parameters: { name: "B' OR ''='" }, snapshot: 1, format: 'csv' })
    expect(await text(answer.read())).toBe('family\r\n')
    expect(answer.stats).toMatchObject({ rows: 0, snapshot: 1 })
  })

  test('may be Parquet', async () => {
    const answer = await desk.answer({ sql: NAMES, format: 'parquet' })
    const bytes = await buffer(answer.read())
    expect(bytes.subarray(0, 4).toString()).toBe('PAR1')
    expect(answer.stats).toMatchObject({ rows: 2, bytes: bytes.length })
  })

  test('that nobody reads to its end leaves nothing, nor one that nobody reads at all', async () => {
    const [half, none] = await Promise.all([
      desk.answer({ sql: `SELECT repeat('x', 1000) FROM range(1000)`, format: 'csv' }),
      desk.answer({ sql: NAMES, format: 'csv' }),
    ])
    expect(await leftovers()).toHaveLength(2)
    for await (const piece of half.read()) {
      expect(piece).toBeDefined()
      break
    }
    await none.discard()
    await expect.poll(leftovers).toEqual([])
  })
})

describe('a query that fails', () => {
  test.each([
    ['SELEC', 'QUERY_FAILED'],
    ['SELECT family::INTEGER FROM patient_name', 'QUERY_FAILED'],
    ['DELETE FROM patient_name', 'QUERY_REFUSED'],
    ['SELECT $name', 'QUERY_PARAMETER'],
  ])('is told as what it is, and no path is told: %s', async (sql, expected) => {
    const error = (await desk.answer({ sql, format: 'json' }).catch((reason: unknown) => reason)) as Error
    expect(error).toMatchObject({ code: expected })
    expect(`${error.message} ${String((error as { hint?: string }).hint)}`).not.toContain(fixture.lake.root)
  })

  test('asks for a snapshot that is not there', async () => {
    expect(await code(desk.answer({ sql: NAMES, snapshot: 9, format: 'json' }))).toBe('QUERY_NO_SNAPSHOT')
  })

  test('shows in no plan where the lake lies', async () => {
    const answer = await desk.answer({ sql: `EXPLAIN ANALYZE ${NAMES}`, format: 'json' })
    const plan = await text(answer.read())
    expect(plan).toContain('patient_name/')
    expect(plan).not.toContain(fixture.lake.root.split('/').at(-1))
  })
})

describe('queries of several askers', () => {
  test('wait for their turn, and beyond that are sent away to ask again', async () => {
    desk = make({ atOnce: 1, waiting: 2 })
    const asked = Array.from({ length: 5 }, () => desk.answer({ sql: NAMES, format: 'csv' }))
    const ended = await Promise.allSettled(asked)
    const answers = ended.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    const errors = ended.flatMap((each) => (each.status === 'rejected' ? [each.reason as object] : []))
    expect(answers).toHaveLength(3)
    expect(errors).toHaveLength(2)
    for (const error of errors) expect(error).toMatchObject({ code: 'QUERY_BUSY', retryable: true })
    expect(await code(desk.answer({ sql: NAMES, format: 'csv' }))).toBe('QUERY_BUSY')
    await Promise.all(answers.map((answer) => answer.discard()))
    expect(await text((await desk.answer({ sql: NAMES, format: 'csv' })).read())).toBe('family\r\nA\r\nB\r\n')
  })

  test('end when their asker goes, while they run and while they wait', async () => {
    desk = make({ atOnce: 1 })
    const [first, second] = [new AbortController(), new AbortController()]
    const running = desk.answer({ sql: ENDLESS, format: 'csv' }, first.signal)
    const waiting = desk.answer({ sql: NAMES, format: 'csv' }, second.signal)
    await expect.poll(() => desk.load).toEqual({ running: 1, waiting: 1 })
    second.abort(new Error('the second is gone'))
    await expect(waiting).rejects.toThrow('the second is gone')
    first.abort(new Error('the first is gone'))
    await expect(running).rejects.toThrow('the first is gone')
    expect(desk.load).toEqual({ running: 0, waiting: 0 })
  })

  test('end when the worker does, and no more begin', async () => {
    desk = make({ atOnce: 1 })
    const running = code(desk.answer({ sql: ENDLESS, format: 'csv' }))
    const waiting = code(desk.answer({ sql: NAMES, format: 'csv' }))
    await expect.poll(leftovers).toHaveLength(1)
    desk.close()
    expect(await running).toBe('QUERY_CRASHED')
    expect(await waiting).toBe('WORKER_STOPPING')
  })
})
