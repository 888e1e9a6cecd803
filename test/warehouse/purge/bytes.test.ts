import { appendFile, rm, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { searchFiles, type Needle } from '../../../src/warehouse/purge/bytes.ts'
import { subjectOf } from '../../../src/warehouse/purge/subject.ts'
import { patient, WarehouseFixture } from '../warehouse-fixture.ts'
import { day, observation, observationView, PurgeFixture } from './purge-fixture.ts'

let warehouse: WarehouseFixture
let fixture: PurgeFixture
beforeEach(async () => {
  warehouse = await WarehouseFixture.make()
  fixture = new PurgeFixture(warehouse)
})
afterEach(() => warehouse.close())

/** As though no row of others had them in it. */
const key: Needle = { what: 'key', isTooShort: false, ofOthers: {} }
const id: Needle = { what: 'id', isTooShort: false, ofOthers: {} }

const ID = 'pat-7f3a9c21'
const subject = subjectOf('patient', `s/Patient/${ID}`)
const found = async (needles: readonly Needle[]) => (await searchFiles(warehouse.lake, subject, needles)).found

test('key and id are found in the database file before a purge, in its log as well, and are not there after it', async () => {
  const others = Array.from({ length: 300 }, (_, n) => patient(`other-${n}`, `Other${n}`))
  await warehouse.load(day(1), [{ lines: [...others, patient(ID, 'Grünwald')] }])
  // Not written into the file yet.
  expect(await found([key])).toBeGreaterThan(0)
  warehouse.database.close()
  expect(await found([key])).toBeGreaterThan(0)
  // The index has it without its key; where both are looked for, the id within the key counts once.
  expect(await found([id])).toBeGreaterThan(await found([key]))
  expect(await found([key, id])).toBe(await found([id]))
  await fixture.reopen()
  const purged = await fixture.purge(subject)
  expect(purged.needles).toEqual([key, id])
  expect(purged.places.map((place) => place.found)).toEqual([0, 0, 0, 0, 0, 0])
  expect(await found([key, id])).toBe(0)
  await appendFile(warehouse.lake.database, `${ID}other-1`)
  expect(await found(purged.needles)).toBe(1)
})

test('what rows of others have within them is told of with their tables, and is no finding', async () => {
  warehouse.views.push(observationView)
  await warehouse.align()
  await warehouse.load(day(1), [
    { lines: [patient('p1', 'Grünwald'), patient('p10', 'X'), observation('o1', 'p10', 'p1 by name')] },
  ])
  await warehouse.load(day(1), [{ lines: [patient('p1', 'Y')] }], [], 't')
  const purged = await fixture.purge(subjectOf('patient', 's/Patient/p1'))
  expect(purged.needles).toEqual([
    { what: 'key', isTooShort: false, ofOthers: { 'main.observation': 1, 'main.patient_name': 1 } },
    { what: 'id', isTooShort: true, ofOthers: { 'main.observation': 1, 'main.patient_name': 2, 'stoker.resource': 2 } },
  ])
  expect(purged.places.at(-1)).toMatchObject({ place: 'files', found: 0 })
})

test('a key is found across the pieces a file is read in; in text it is a word, elsewhere it is wherever it stands', async () => {
  const text = `${'x'.repeat((1 << 20) - 6)} s/Patient/${ID} ${'y'.repeat(1 << 20)} s/Patient/${ID}0 ts/Patient/${ID} /s/Patient/${ID}-`
  warehouse.database.close()
  for (const [name, times] of [
    ['junk', 4],
    ['junk.json', 1],
  ] as const) {
    await writeFile(warehouse.lake.path(name), text)
    expect(await found([key])).toBe(times)
    await rm(warehouse.lake.path(name))
  }
})
