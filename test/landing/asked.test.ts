import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { outsideAsked, type Question } from '../../src/landing/asked.ts'
import { land } from '../../src/landing/land.ts'
import { stage } from '../../src/landing/stage.ts'
import { Database } from '../../src/store/database.ts'
import type { Session } from '../../src/store/session.ts'

let folder: string
let database: Database
let session: Session
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stoker-asked-'))
  database = await Database.open({ path: join(folder, 'w.duckdb'), memoryLimitBytes: 512 << 20 })
  session = await database.session()
})
afterAll(async () => {
  database.close()
  await rm(folder, { recursive: true })
})

let number = 0
async function outside(resources: readonly object[], question: Partial<Question>) {
  const file = ++number
  const [stagedPath, rawPath] = [join(folder, `${file}.ndjson`), join(folder, `${file}.parquet`)]
  const text = resources.map((resource, i) => JSON.stringify({ id: `r${i}`, ...resource })).join('\n')
  const facts = await stage(Readable.from([Buffer.from(text)]), stagedPath)
  const types = ['Patient', 'Observation', 'Encounter']
  const raw = { source: 's', run: 1, file, kind: 'output', types, stagedPath, rawPath } as const
  await land(session, raw, facts)
  return outsideAsked(session, rawPath, { since: null, typeFilters: [], elements: false, ...question })
}

const changed = (lastUpdated?: string) => ({ resourceType: 'Patient', meta: { lastUpdated } })

describe('what came is compared with what was asked', () => {
  test('resources that were not changed since _since are counted, by instant; those without lastUpdated may come', async () => {
    const patients = [
      changed('2026-01-01T00:00:00+05:00'),
      changed('2026-01-01T00:00:00Z'),
      changed('2025-12-31T23:59:59.999Z'),
      changed('2026-02-01T00:00:00Z'),
      changed(),
    ]
    expect(await outside(patients, { since: '2026-01-01T00:00:00Z' })).toEqual([
      { code: 'OLDER_THAN_SINCE', type: 'Patient', count: 2 },
    ])
    expect(await outside(patients, {})).toEqual([])
  })

  test('resources with some elements only are counted, unless that was asked for', async () => {
    const some = [{ resourceType: 'Patient', meta: { tag: [{ code: 'SUBSETTED' }] } }]
    expect(await outside(some, {})).toEqual([{ code: 'SUBSETTED', type: 'Patient', count: 1 }])
    expect(await outside(some, { elements: true })).toEqual([])
  })

  const laboratory = { coding: [{ code: 'other' }, { system: 'http://c', code: 'laboratory' }] }
  const observations = [
    { resourceType: 'Observation', status: 'final', category: [{ coding: [{ code: 'x' }] }, laboratory] },
    { resourceType: 'Observation', status: 'final', category: laboratory },
    { resourceType: 'Observation', status: 'preliminary', category: [{ coding: [{ code: 'vital-signs' }] }] },
    { resourceType: 'Observation' },
    { resourceType: 'Patient', gender: 'male' },
    { resourceType: 'Encounter', class: { system: 'http://e', code: 'AMB' } },
  ]
  test.each([
    ['a code', ['Observation?status=final'], 2],
    ['one of several codes', ['Observation?status=final,preliminary'], 1],
    ['a CodeableConcept, alone or in a list', ['Observation?category=laboratory'], 2],
    ['a CodeableConcept with its system', ['Observation?category=http://c|laboratory'], 2],
    ['another system', ['Observation?category=http://other|laboratory'], 4],
    ['all conditions of a filter', ['Observation?category=laboratory&status=preliminary'], 4],
    ['any filter of the type', ['Observation?category=laboratory', 'Observation?status=preliminary'], 1],
    ['a Coding', ['Encounter?class=IMP'], 1],
    ['a Coding that matches', ['Encounter?class=http://e|AMB'], 0],
    ['what can not be judged here', ['Observation?date=ge2020'], 0],
    ['a modifier', ['Observation?status:not=final'], 0],
    [
      'one filter that can be judged beside one that can not',
      ['Observation?status=final', 'Observation?date=ge2020'],
      0,
    ],
    ['a code with an escaped comma', ['Observation?status=fi\\,nal'], 4],
  ])('a filter on %s: resources outside it are counted', async (_, typeFilters, count) => {
    const found = await outside(observations, { typeFilters })
    expect(found).toEqual(count === 0 ? [] : [{ code: 'OUTSIDE_FILTER', type: typeFilters[0]!.split('?')[0], count }])
  })
})
