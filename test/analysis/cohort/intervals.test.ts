import fc from 'fast-check'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { mergeMembers } from '../../../src/analysis/cohort/intervals.ts'
import { FOUND_TABLE } from '../../../src/analysis/cohort/members.ts'
import { cohortDiff, cohortMembers, cohortMoved, type AskCohorts } from '../../../src/analysis/cohort/records.ts'
import { ledgerMigrations } from '../../../src/ledger/schema.ts'
import { Database } from '../../../src/store/database.ts'
import { migrate } from '../../../src/store/migrate.ts'
import type { Session } from '../../../src/store/session.ts'
import { warehouseMigrations } from '../../../src/warehouse/schema.ts'

let folder: string
let database: Database
let session: Session
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stoker-cohort-'))
  database = await Database.open({ path: join(folder, 'warehouse.duckdb'), memoryLimitBytes: 256 << 20 })
  await migrate(database, [...ledgerMigrations, ...warehouseMigrations])
  session = await database.session()
})
afterAll(async () => {
  database.close()
  await rm(folder, { recursive: true })
})

/** Who is found over which snapshot; the same one again takes the place of what it was. */
interface Step {
  readonly again: boolean
  readonly skipped: number
  readonly found: readonly number[]
}

const KEYS = 6
const step: fc.Arbitrary<Step> = fc.record({
  again: fc.boolean(),
  skipped: fc.nat(2),
  found: fc.subarray(Array.from({ length: KEYS }, (_, n) => n)),
})

const key = (number: number) => `s/Patient/p${number}`

async function merge(snapshot: number, found: readonly number[]) {
  await session.run(
    `CREATE OR REPLACE TEMP TABLE ${FOUND_TABLE} (patient_key VARCHAR, rows BIGINT, is_patient BOOLEAN);
     INSERT INTO ${FOUND_TABLE} VALUES (NULL, 1, false), ('s/Patient/stranger', 1, false)`,
  )
  for (const each of found) await session.run(`INSERT INTO ${FOUND_TABLE} VALUES ('${key(each)}', 2, true)`)
  return mergeMembers(session, 'c', snapshot)
}

const ask: AskCohorts = (sql) => session.rows(sql)

test('whatever is found over whichever snapshots, the intervals tell who was in as of each, and who moved between any two', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 7 }), async (steps) => {
      await session.run('DELETE FROM stoker.cohort_member; DELETE FROM stoker.cohort_run')
      // A row of another cohort, which nothing may touch.
      await session.run(`INSERT INTO stoker.cohort_member VALUES ('other', '${key(0)}', 1, 2)`)
      const model = new Map<number, readonly number[]>()
      let snapshot = 1
      for (const { again, skipped, found } of steps) {
        if (model.size > 0 && !again) snapshot += 1 + skipped
        model.delete(snapshot)
        const before = [...model.values()].at(-1) ?? []
        const moved = await merge(snapshot, found)
        expect(moved.entered).toBe(found.filter((each) => !before.includes(each)).length)
        expect(moved.exited).toBe(before.filter((each) => !found.includes(each)).length)
        model.set(snapshot, found)
        // Merging it again moves the same patients, and leaves the same rows.
        const rows = await intervals()
        expect(await merge(snapshot, found)).toEqual(moved)
        expect(await intervals()).toEqual(rows)
      }
      await session.run(
        [...model.keys()]
          .map(
            (each) =>
              `INSERT INTO stoker.cohort_run (cohort, snapshot, definition, definition_changed, ran_at, milliseconds)
               VALUES ('c', ${each}, 'h', false, now(), 0)`,
          )
          .join(';'),
      )
      await expectTold(model)
    }),
    { numRuns: 25, seed: 6 },
  )
}, 60_000)

const intervals = () => session.rows('FROM stoker.cohort_member ORDER BY ALL')

async function expectTold(model: ReadonlyMap<number, readonly number[]>): Promise<void> {
  const ran = [...model.keys()]
  const foundAt = (asked: number) => model.get(ran.filter((each) => each <= asked).at(-1)!)!
  for (let from = 1; from <= ran.at(-1)! + 1; from += 1) {
    const as = { snapshot: from, ran: ran.filter((each) => each <= from).at(-1)! }
    const members = await cohortMembers(ask, 'c', as, { limit: 100 })
    expect(members.map((each) => each.patient_key)).toEqual([...foundAt(from)].sort().map(key))
  }
  const [from, to] = [ran[0]!, ran.at(-1)! + 1]
  for (const [a, b] of [
    [from, to],
    [to, from],
    [from, ran[Math.floor(ran.length / 2)]!],
  ] as const) {
    const [before, after] = [foundAt(a), foundAt(b)]
    const diff = await cohortDiff(ask, 'c', a, b)
    const entered = after.filter((each) => !before.includes(each))
    const left = before.filter((each) => !after.includes(each))
    expect(diff).toMatchObject({ entered: entered.length, left: left.length, stayed: after.length - entered.length })
    const moved = await cohortMoved(ask, 'c', diff, { limit: 100 })
    expect(moved).toEqual(
      [
        ...entered.map((each) => ({ patient_key: key(each), change: 'entered' })),
        ...left.map((each) => ({ patient_key: key(each), change: 'left' })),
      ].sort((x, y) => (x.patient_key < y.patient_key ? -1 : 1)),
    )
  }
}
