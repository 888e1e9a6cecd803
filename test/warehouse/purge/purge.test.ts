import { DuckDBInstance } from '@duckdb/node-api'
import { appendFile, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { searchFiles } from '../../../src/warehouse/purge/bytes.ts'
import { prove } from '../../../src/warehouse/purge/proof.ts'
import { beginPurge, countPurge, pursuePurge, type PurgeInput } from '../../../src/warehouse/purge/purge.ts'
import { openPurge, refuseUnfinishedPurge } from '../../../src/warehouse/purge/record.ts'
import { suspicion } from '../../../src/warehouse/purge/rejects.ts'
import { subjectOf, type PurgeSubject } from '../../../src/warehouse/purge/subject.ts'
import { deletions, patient, WarehouseFixture } from '../warehouse-fixture.ts'
import { day, observation, PurgeFixture } from './purge-fixture.ts'

let warehouse: WarehouseFixture
let fixture: PurgeFixture
/** With its history, of which tests have copies. */
let made: WarehouseFixture
beforeAll(async () => {
  use(await WarehouseFixture.make())
  await makeHistory()
  made = warehouse
  made.database.close()
})
afterAll(() => rm(made.lake.root, { recursive: true }))
const opened: WarehouseFixture[] = []
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close()
})

function use(one: WarehouseFixture): void {
  warehouse = one
  fixture = new PurgeFixture(one)
}

async function take(one: Promise<WarehouseFixture>): Promise<void> {
  use(await one)
  opened.push(warehouse)
}
const empty = () => take(WarehouseFixture.make())
const history = () => take(made.copy())

const input = () => fixture.input
const publish = () => fixture.publish()
const rows = <T extends object>(sql: string) => fixture.rows<T>(sql)
const purge = (subject: PurgeSubject, keepsSnapshots?: boolean) => fixture.purge(subject, keepsSnapshots)
const reopen = () => fixture.reopen()

/** Where each word stands in the lake: as bytes of any file, or as a value of any Parquet file or table. */
async function whereAre(words: readonly string[]): Promise<Record<string, string[]>> {
  const found = Object.fromEntries(words.map((word) => [word, new Set<string>()]))
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const lookInto = async (relation: string, name: string) => {
    const counts = words.map((word) => `count(*) FILTER (contains(t::VARCHAR, '${word}'))`)
    const answer = await connection.runAndReadAll(`SELECT ${counts.join(', ')} FROM ${relation} AS t`)
    words.forEach((word, n) => Number(answer.getRows()[0]![n]) > 0 && found[word]!.add(name))
  }
  for (const each of await readdir(warehouse.lake.root, { recursive: true, withFileTypes: true })) {
    if (!each.isFile()) continue
    const path = join(each.parentPath, each.name)
    const name = path.slice(warehouse.lake.root.length + 1)
    const text = await readFile(path, 'latin1')
    for (const word of words) if (text.includes(word)) found[word]!.add(name)
    if (name.endsWith('.parquet')) await lookInto(`read_parquet('${path}')`, name)
    if (name === 'warehouse.duckdb') {
      await connection.run(`ATTACH '${path}' AS lake (READ_ONLY)`)
      const tables = await connection.runAndReadAll(
        `SELECT '"' || schema_name || '"."' || table_name || '"' FROM duckdb_tables() WHERE database_name = 'lake'`,
      )
      for (const [table] of tables.getRows()) await lookInto(`lake.${String(table)}`, `table ${String(table)}`)
      await connection.run('DETACH lake')
    }
  }
  connection.closeSync()
  instance.closeSync()
  return Object.fromEntries(Object.entries(found).map(([word, places]) => [word, [...places].sort()]))
}

const ID = 'pat-7f3a9c21'
const WORDS = [ID, 'Grünwald', 'Zeisigbach', 'o-of-patient-1', 'Knickfraktur']

/** Two hospitals with a patient of one id; in one of them with a history, in packed and plain files, and in rejects. */
async function makeHistory(): Promise<void> {
  const filler = Array.from({ length: 50 }, (_, n) => patient(`other-${n}`, `Other${n}`))
  await warehouse.load(day(1), [
    { lines: [...filler, patient(ID, 'Grünwald'), patient('neighbour', 'N')] },
    { lines: [observation('o-of-patient-1', ID, 'Knickfraktur'), observation('o-2', 'neighbour', 'x')] },
  ])
  await warehouse.load(day(1), [{ lines: [patient(ID, 'Andere'), observation('o-of-patient-1', ID, 'y')] }], [], 't')
  await publish()
  await warehouse.load(day(2), [{ lines: [patient(ID, 'Zeisigbach')] }])
  await warehouse.load(day(3), [
    {
      kind: 'deleted',
      lines: [deletions('Observation/o-of-patient-1', 'Patient/other-1', `Encounter?patient=Patient/${ID}`)],
    },
  ])
  await fixture.compact('s')
  await warehouse.load(day(4), [{ lines: [patient(ID, 'Zeisigbach-Grünwald'), observation('moved', ID, 'z')] }])
  await warehouse.load(day(5), [{ lines: [observation('moved', 'neighbour', 'put right')] }])
  await warehouse.load(day(6), [
    { lines: [{ ...observation('o-3', 'neighbour', 'x'), performer: [{ reference: 'Patient/someone' }] }] },
  ])
  const rejects = [
    `{"resourceType":"Patient","id":"${ID}","name":[{"family":"Grünwald`,
    '{"resourceType":"Patient","id":"kept-reject"',
  ]
  await appendFile(
    warehouse.lake.path('raw/s/5/6.rejects.ndjson'),
    rejects
      .map((text, n) => `${JSON.stringify({ line: n + 9, byte_offset: 0, reason: 'not valid JSON', text })}\n`)
      .join(''),
  )
  await warehouse.database.using((session) => session.run('UPDATE stoker.file SET rejects = 2 WHERE file = 6'))
  await warehouse.database.using((session) =>
    session.run(`INSERT INTO stoker.member VALUES ('s', 'g', '${ID}', 1, NULL, NULL);
      INSERT INTO stoker.export (export, run, purpose, types, whole, request, filters, state, request_url)
      VALUES (1, 1, 'newcomers', ['Patient'], true, '{"patients":["${ID}","neighbour"]}', '{}', 'released',
        'http://127.0.0.1/$export?patient=Patient/${ID}')`),
  )
  await publish()
}

describe('a patient that was purged', () => {
  test('is in no file of the lake, neither as bytes nor as a value; the one of the same id elsewhere stays', async () => {
    await history()
    const theirs = await rows(`SELECT source, type, id FROM stoker.resource WHERE source = 't' ORDER BY ALL`)
    const before = await rows(`SELECT type, id FROM stoker.resource WHERE source = 's' ORDER BY ALL`)
    const purged = await purge(subjectOf('patient', `s/Patient/${ID}`))
    expect(purged.places).toEqual([
      { place: 'raw log', scanned: expect.any(Number) as number, found: 0 },
      { place: 'rejects', scanned: 1, found: 0 },
      { place: 'view tables', scanned: 1, found: 0 },
      { place: 'index', scanned: 2, found: 0 },
      { place: 'snapshots', scanned: 1, found: 0 },
      { place: 'files', scanned: expect.any(Number) as number, found: 0 },
    ])
    expect(purged).toMatchObject({ rejectTexts: 1, snapshotsRemoved: [1, 2], snapshot: 3, mentions: [] })
    const places = await whereAre(WORDS)
    const allowed =
      /^(raw\/t|staging\/2)\/|^table "stoker"\."resource"$|^table "main"|^snapshots\/000003\/patient_name\/|^warehouse\.duckdb$/
    expect(
      Object.values(places)
        .flat()
        .filter((place) => !allowed.test(place)),
    ).toEqual([])
    expect(places).toMatchObject({ Grünwald: [], Zeisigbach: [], Knickfraktur: [] })
    await reopen()
    expect(await rows(`SELECT source, type, id FROM stoker.resource WHERE source = 't' ORDER BY ALL`)).toEqual(theirs)
    const gone = new Set([ID, 'o-of-patient-1'])
    expect(await rows(`SELECT type, id FROM stoker.resource WHERE source = 's' ORDER BY ALL`)).toEqual(
      before.filter((row) => !gone.has((row as { id: string }).id)),
    )
    expect(await rows(`SELECT id FROM stoker.resource_past WHERE source = 's' AND id IN ('moved', '${ID}')`)).toEqual(
      [],
    )
    expect(await readFile(warehouse.lake.path('raw/s/5/6.rejects.ndjson'), 'utf8')).toContain('kept-reject')
    expect(await rows('SELECT request, request_url AS url FROM stoker.export')).toEqual([
      { request: '{"patients":["neighbour"]}', url: 'http://127.0.0.1/$export' },
    ])
    expect(await rows('SELECT state, target FROM stoker.purge')).toEqual([{ state: 'done', target: null }])
  })

  test('leaves a lake that goes on: views are rebuilt, deletions of others keep their line, numbers go on', async () => {
    await history()
    const families = (await warehouse.families()).filter((name) => !name.includes('s/Patient/') && !name.startsWith(ID))
    const [run] = await rows<{ n: number }>(`SELECT nextval('stoker.change_number') AS n`)
    await purge(subjectOf('patient', `s/Patient/${ID}`))
    await reopen()
    expect((await rows<{ n: number }>(`SELECT nextval('stoker.change_number') AS n`))[0]!.n).toBeGreaterThan(run!.n)
    expect(await warehouse.families()).toEqual(families)
    warehouse.views[0] = { ...warehouse.views[0]!, hash: 'anew' }
    await warehouse.align()
    expect(await warehouse.families()).toEqual(families)
    const [place] = await rows<{ file: number; path: string }>(
      `SELECT r.file, f.raw_path AS path FROM stoker.resource AS r JOIN stoker.file AS f USING (file) WHERE id = 'other-1'`,
    )
    const bundle = await rows<{ json: string }>(`SELECT json FROM read_parquet('${warehouse.lake.path(place!.path)}')`)
    expect(bundle).toEqual([
      {
        json: '{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"DELETE","url":"Patient/other-1"}}]}',
      },
    ])
    await warehouse.load('2026-02-01T00:00:00Z', [{ lines: [patient(ID, 'back')] }])
    expect(await warehouse.families()).toEqual([...families, `${ID} back`].sort())
  })

  test('is counted beforehand, and nothing is changed by that', async () => {
    await history()
    const before = await readdir(warehouse.lake.root, { recursive: true })
    expect(await countPurge(input(), subjectOf('patient', `s/Patient/${ID}`))).toEqual({
      resources: { Observation: 1, Patient: 1 },
      lines: 5,
    })
    expect(await readdir(warehouse.lake.root, { recursive: true })).toEqual(before)
    expect(await rows('SELECT * FROM stoker.purge_key')).toEqual([])
  })

  test('is finished by a later process wherever the first one was killed', async () => {
    use(await WarehouseFixture.make())
    await warehouse.load(day(1), [{ lines: [patient(ID, 'Grünwald'), patient('p2', 'Other')] }])
    await publish()
    await warehouse.load(day(2), [{ lines: [patient(ID, 'Zeisigbach')] }])
    warehouse.database.close()
    const before = warehouse
    onTestFinished(() => rm(before.lake.root, { recursive: true }))
    for (const killAt of ['begun', 'publish', 'remove', 'rewrite'] as const) {
      await take(before.copy())
      const failing = new Error('killed')
      const killed: PurgeInput = {
        ...input(),
        ...(killAt === 'publish' ? { publish: () => Promise.reject(failing) } : {}),
        ...(killAt === 'remove' ? { removeSnapshots: () => Promise.reject(failing) } : {}),
      }
      await beginPurge(killed, subjectOf('patient', `s/Patient/${ID}`), false)
      await expect(warehouse.database.using(refuseUnfinishedPurge)).rejects.toMatchObject({ code: 'PURGE_UNFINISHED' })
      const open = (await warehouse.database.using(openPurge))!
      if (killAt === 'publish' || killAt === 'remove') {
        await expect(pursuePurge(killed, { ...open, subject: open.subject! })).rejects.toThrow(failing)
      }
      if (killAt === 'rewrite') await pursuePurge(killed, { ...open, subject: open.subject! })
      warehouse.database.close()
      await reopen()
      const state = (await warehouse.database.using(openPurge))!
      if (killAt === 'rewrite') {
        expect(state).toMatchObject({ state: 'cleared', subject: undefined })
        await fixture.rewrite(state.purge)
      } else {
        const purged = await fixture.pursue()
        expect(purged.places.map(({ found }) => found)).toEqual([0, 0, 0, 0, 0, 0])
        // What the first process did counts with what the second one found left.
        expect(purged).toMatchObject({ viewRows: 1, indexRows: 2, rawLines: 2, rawFiles: 2 })
      }
      expect([killAt, await whereAre(['Grünwald', 'Zeisigbach'])]).toEqual([killAt, { Grünwald: [], Zeisigbach: [] }])
    }
  })

  test('whom others refer to is told of by type, and they stay', async () => {
    await empty()
    await warehouse.load(day(1), [
      { lines: [patient('p1', 'Grünwald'), patient('p10', 'X')] },
      {
        lines: [
          { ...observation('o1', 'p10', 'x'), performer: [{ reference: 'Patient/p1' }] },
          observation('o2', 'p10', 'x'),
        ],
      },
    ])
    const purged = await purge(subjectOf('patient', 's/Patient/p1'))
    expect(purged.mentions).toEqual([{ type: 'Observation', resources: 1 }])
    await reopen()
    expect(await rows('SELECT id FROM stoker.resource ORDER BY id')).toEqual([
      { id: 'o1' },
      { id: 'o2' },
      { id: 'p10' },
    ])
  })

  test('stays in older snapshots where they are to stay, and they are named', async () => {
    await history()
    const purged = await purge(subjectOf('patient', `s/Patient/${ID}`), true)
    expect(purged).toMatchObject({ snapshotsRemoved: [], snapshotsLeft: [1, 2] })
    expect(purged.places.find(({ place }) => place === 'snapshots')!.found).toBeGreaterThan(0)
  })
})

test('the proof finds what is there: before anything is removed it finds it everywhere', async () => {
  await history()
  const subject = subjectOf('patient', `s/Patient/${ID}`)
  await beginPurge(input(), subject, false)
  const proof = await warehouse.database.using(async (session) => {
    const { purge: number } = (await openPurge(session))!
    return prove(session, warehouse.lake, number, { subject, isSuspect: await suspicion(session, number, subject) })
  })
  warehouse.database.close()
  // Of Bundles, the one whose entry asks for the patient's encounters counts as well.
  expect(proof.places.map(({ place, found }) => [place, found])).toEqual([
    ['raw log', 6],
    ['rejects', 1],
    ['view tables', 1],
    ['index', 6],
    ['snapshots', 2],
  ])
  expect(
    (await searchFiles(warehouse.lake, subject, [{ what: 'key', isTooShort: false, ofOthers: {} }])).found,
  ).toBeGreaterThan(0)
})

test('one resource is purged with every version, and nothing besides', async () => {
  await empty()
  await warehouse.load(day(1), [{ lines: [patient('p1', 'Grünwald'), observation('o1', 'p1', 'Knickfraktur')] }])
  await warehouse.load(day(2), [{ lines: [observation('o1', 'p1', 'Knickfraktur, healed')] }])
  const purged = await purge(subjectOf('resource', 's/Observation/o1'))
  expect(purged).toMatchObject({ rawLines: 2, indexRows: 2 })
  const places = await whereAre(['Knickfraktur', 'Grünwald'])
  expect(places.Knickfraktur).toEqual([])
  expect(places.Grünwald!.length).toBeGreaterThan(0)
})

test('a source is purged whole; its runs stay in the ledger, marked, and the other source as it was', async () => {
  await history()
  const purged = await purge({ kind: 'source', source: 's' })
  expect(purged.places.map(({ found }) => found)).toEqual([0, 0, 0, 0, 0, 0])
  const nowhere = { Grünwald: [], neighbour: [], 'kept-reject': [] }
  expect(await whereAre(Object.keys(nowhere))).toEqual(nowhere)
  await reopen()
  expect(await rows('SELECT DISTINCT source, error_code FROM stoker.run ORDER BY source')).toEqual([
    { source: 's', error_code: 'PURGED' },
    { source: 't', error_code: null },
  ])
  expect(await rows('SELECT DISTINCT source FROM stoker.resource')).toEqual([{ source: 't' }])
  await warehouse.load(day(9), [{ lines: [patient('p1', 'again')] }])
  expect(await warehouse.families()).toContain('p1 again')
})

test('a source in the middle of a run is refused', async () => {
  await history()
  await warehouse.database.using((session) => session.run(`UPDATE stoker.run SET state = 'open' WHERE run = 7`))
  await expect(purge(subjectOf('patient', `s/Patient/${ID}`))).rejects.toMatchObject({ code: 'PURGE_RUN_OPEN' })
  expect(await rows('SELECT * FROM stoker.purge')).toEqual([])
})
