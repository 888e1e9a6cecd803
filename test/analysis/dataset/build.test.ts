import { DuckDBInstance } from '@duckdb/node-api'
import { RecordBatchReader, tableFromIPC } from 'apache-arrow'
import { createHash } from 'node:crypto'
import { access, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DatasetCard } from '../../../src/analysis/dataset/card.ts'
import { readDataset } from '../../../src/cli/dataset-file.ts'
import { ask, DatasetLake, EXAMPLES } from './dataset-lake.ts'
import { definition } from './definitions.ts'

let lake: DatasetLake
beforeAll(async () => {
  lake = await DatasetLake.make(60)
})
afterAll(() => lake.close())

const ALWAYS = 'SELECT patient_key, index_date, index_date + to_days(1) AS at, true AS value FROM cohort'
const ONE = `
  - name: one
    sql: SELECT patient_key, index_date, index_date AS at, 1 AS value FROM cohort`

const fileOf = (to: string, name: string) => join(lake.folder, to, name)

describe('a data set', () => {
  test('has the rows that the tables give when they are counted otherwise', async () => {
    const card = await lake.build(definition(), 'counted')
    const rows = await lake.rows('counted')
    const expected = await lake.tables(`
      SELECT e.patient_key, strftime(e.period_start, '%Y-%m-%d %H:%M:%S+00') AS index_date,
        EXISTS (FROM encounter AS n WHERE n.patient_key = e.patient_key AND n.class_code = 'EMER'
          AND n.period_start > e.period_start AND n.period_start <= e.period_start + INTERVAL 180 DAYS) AS again,
        date_diff('month', p.birth_date, e.period_start::DATE) // 12 AS about,
        (SELECT count(*) FROM encounter AS n WHERE n.patient_key = e.patient_key
          AND n.period_start BETWEEN e.period_start - INTERVAL 365 DAYS AND e.period_start)::VARCHAR AS visits_count
      FROM encounter AS e JOIN patient AS p ON p._resource_key = e.patient_key
      WHERE e.class_code = 'EMER' ORDER BY ALL`)
    expect(rows.length).toBeGreaterThan(20)
    expect(
      rows.map(({ patient_key, index_date, again, visits_count }) => [patient_key, index_date, again, visits_count]),
    ).toEqual(
      expected.map(({ patient_key, index_date, again, visits_count }) => [
        patient_key,
        index_date,
        again,
        visits_count,
      ]),
    )
    rows.forEach(({ age }, i) => expect(Math.abs(Number(age) - Number(expected[i]!.about))).toBeLessThanOrEqual(1))
    expect(card.rows.written).toBe(rows.length)
    expect(card.columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
      'patient_key VARCHAR',
      'index_date TIMESTAMPTZ',
      'again BOOLEAN',
      'age BIGINT',
      'born_on DATE',
      'visits_count BIGINT',
      'visits_last TIMESTAMPTZ',
    ])
    expect(Object.keys(rows[0]!).slice(0, -2)).toEqual(card.columns.map(({ name }) => name))
  })

  test('is the same bytes whenever it is built from the same snapshot, its card too, whatever the memory', async () => {
    await lake.build(definition(), 'first')
    await lake.build(definition(), 'second', { memoryLimitBytes: 1 << 30 })
    // A comment and another order of the keys define nothing else.
    const yaml = `# ${'again'}\nfrom: 1\n${definition({ tail: 'description: Who comes back.\n' })}`
    await lake.build(yaml.replace('description: Who comes back.\n', ''), 'third')
    const first = await lake.bytes('first')
    expect(Object.keys(first)).toEqual([
      'card.json',
      'card.md',
      'test.arrow',
      'test.parquet',
      'train.arrow',
      'train.parquet',
      'validation.arrow',
      'validation.parquet',
    ])
    expect(await lake.bytes('second')).toEqual(first)
    expect(await lake.bytes('third')).toEqual(first)
    const text = await readFile(fileOf('first', 'card.json'), 'utf8')
    expect(text).not.toContain(lake.folder)
  })

  test('as of the run that published the snapshot has the same rows in the same bytes', async () => {
    const card = await lake.build(definition(), 'snapshot')
    const made = await lake.define(`from: {asOf: 1}\n${definition()}`)
    const dataUntil = new Date(card.data_until)
    const past = await lake.build(made, 'as-of', { dataUntil })
    expect(past.from).toMatchObject({ kind: 'as-of', run: 1, source: 'demo' })
    expect(past.files).toEqual(card.files)
    expect(card.again).toEqual([
      'stoker dataset build definition.yaml --to FOLDER --snapshot 1',
      `stoker dataset build definition.yaml --to FOLDER --as-of 1 --data-until ${card.data_until}`,
    ])
  })

  test('is read by others: Parquet by DuckDB, Arrow by its own library, row for row alike', async () => {
    await lake.build(definition(), 'read')
    for (const split of ['train', 'validation', 'test']) {
      const parquet = await ask(`FROM read_parquet('${fileOf('read', `${split}.parquet`)}')`)
      const table = tableFromIPC(await readFile(fileOf('read', `${split}.arrow`)))
      expect(
        table.schema.fields.map(({ name, type }) => `${name} ${(type as { toString(): string }).toString()}`),
      ).toEqual([
        'patient_key Utf8',
        'index_date Timestamp<MICROSECOND, UTC>',
        'again Bool',
        'age Int64',
        'born_on Date32<DAY>',
        'visits_count Int64',
        'visits_last Timestamp<MICROSECOND, UTC>',
      ])
      const arrow = table.toArray().map((row) => (row as { toJSON(): Record<string, unknown> }).toJSON())
      const text = (value: unknown) => new Date(Number(value)).toISOString().slice(0, 19).replace('T', ' ')
      expect(
        arrow.map((row) => ({
          ...row,
          index_date: `${text(row.index_date)}+00`,
          visits_last: `${text(row.visits_last)}+00`,
          born_on: text(row.born_on).slice(0, 10),
          age: String(row.age),
          visits_count: String(row.visits_count),
        })),
      ).toEqual(parquet)
    }
    expect(RecordBatchReader.from(await readFile(fileOf('read', 'train.arrow'))).isFile()).toBe(true)
  })

  test('says on its card what it is, and has the sums of its files', async () => {
    const yaml = definition({ head: 'description: Who comes back.\nparameters: {unused: [1, 2]}\n' })
    const card = await lake.build(yaml, 'card')
    const told = JSON.parse(await readFile(fileOf('card', 'card.json'), 'utf8')) as DatasetCard
    expect(told).toEqual(card)
    for (const { file, sha256, bytes } of card.files) {
      const content = await readFile(fileOf('card', file))
      expect([file, bytes, sha256]).toEqual([file, content.length, createHash('sha256').update(content).digest('hex')])
    }
    expect(card).toMatchObject({
      name: 'emergency',
      made_by: { stoker: '1.2.3' },
      from: { kind: 'snapshot', snapshot: 1, run: 1 },
      runs: [{ source: 'demo', runs: 1, first_run: 1, last_run: 1 }],
      options: { pseudonyms: false, shift_days: 0, key_fingerprint: null, split: { salt: 'stoker' } },
      definition: { parameters: { unused: [1, 2] } },
    })
    expect(card.tables.map(({ name }) => name)).toEqual(['encounter', 'patient'])
    expect(card.watermarks!.map(({ type }) => type)).toEqual(['Encounter', 'Patient'])
    const balance = Object.values(card.labels[0]!.values).flatMap(({ rows }) => Object.values(rows))
    expect(balance.reduce((sum, each) => sum + each)).toBe(card.rows.written)
    const text = await readFile(fileOf('card', 'card.md'), 'utf8')
    for (const words of [
      '# emergency',
      'Who comes back.',
      'Keys are those of the lake',
      'Dates are true',
      card.files[0]!.sha256,
    ])
      expect(text).toContain(words)
    expect(
      await Promise.all(
        ['card.md', 'train.arrow', 'train.parquet'].map(
          async (name) => (await stat(fileOf('card', name))).mode & 0o777,
        ),
      ),
    ).toEqual([0o600, 0o600, 0o600])
    expect((await stat(fileOf('card', '.'))).mode & 0o777).toBe(0o700)
  })

  test('tells of each table that it reads, be it under the name of a WITH, and of none that only such a name is', async () => {
    const cohort = `WITH encounter AS (SELECT * FROM encounter WHERE class_code = 'EMER'), patient AS (FROM encounter)
    SELECT patient_key, period_start AS index_date FROM patient`
    const card = await lake.build(definition({ cohort, label: ALWAYS, features: ONE }), 'with')
    expect(card.tables.map(({ name }) => name)).toEqual(['encounter'])
    expect(card.watermarks!.map(({ type }) => type)).toEqual(['Encounter'])
    const recursive = `WITH RECURSIVE patient AS (SELECT _resource_key AS k, 1 AS n FROM patient
      UNION ALL SELECT k, n + 1 FROM patient WHERE n < 2)
    SELECT k AS patient_key, DATE '2020-01-01' + n AS index_date FROM patient`
    const again = await lake.build(definition({ cohort: recursive, label: ALWAYS, features: ONE }), 'with-recursive')
    expect(again.tables.map(({ name }) => name)).toEqual(['patient'])
    expect(again.rows.written).toBe(2 * 60)
  })

  test('counts what is missing, and leaves rows without a label out', async () => {
    const features = `
  - name: hemoglobin
    window: {fromDay: -365}
    take: last
    sql: SELECT patient_key, greatest(issued, effective_datetime) AS at, value_quantity AS value FROM observation WHERE code = '718-7'`
    const label = `SELECT patient_key, index_date, index_date + to_days(1) AS at, 1 AS value FROM cohort WHERE md5_number(patient_key) % 2 = 0`
    const card = await lake.build(definition({ label, features }), 'missing')
    const rows = await lake.rows('missing')
    expect(card.rows.without_label).toBeGreaterThan(0)
    expect(rows.length).toBe(card.rows.cohort.rows - card.rows.without_label)
    const missing = rows.filter(({ hemoglobin }) => hemoglobin === null).length
    expect(missing).toBeGreaterThan(0)
    const column = card.columns.find(({ name }) => name === 'hemoglobin')!
    expect(Object.values(column.missing).reduce((sum, each) => sum + each)).toBe(missing)
    expect(column.missing_share).toBeCloseTo(missing / rows.length, 3)
    expect(card.columns[2]).toMatchObject({ name: 'label', role: 'label', type: 'BIGINT' })
  })

  test.each(['readmission-30d.yaml', 'hba1c-progression.yaml'])('is made of the example %s', async (name) => {
    const card = await lake.build(await readDataset(join(EXAMPLES, name)), name)
    expect(card.rows.written).toBeGreaterThan(0)
    expect(
      card.columns.filter(({ role, missing_share }) => role === 'feature' && missing_share < 1).length,
    ).toBeGreaterThan(8)
  })
})

describe('the splits', () => {
  test('keep each patient where he is when others come, with all of his rows', async () => {
    const before = await lake.build(definition(), 'before')
    await lake.grow(30)
    const after = await lake.build(definition(), 'after')
    expect(after.from).toMatchObject({ snapshot: 2 })
    expect(after.rows.written).toBeGreaterThan(before.rows.written)
    const splitsOf = async (to: string) => {
      const splits = new Map<string, Set<string>>()
      for (const { patient_key, split } of await lake.rows(to)) {
        const key = patient_key as string
        splits.set(key, (splits.get(key) ?? new Set()).add(split as string))
      }
      return splits
    }
    const [old, grown] = [await splitsOf('before'), await splitsOf('after')]
    for (const [key, splits] of grown) {
      expect(splits.size).toBe(1)
      expect(old.get(key) ?? splits).toEqual(splits)
      // The rule, by another implementation.
      const place = Number(`0x${createHash('sha256').update(`stoker\n${key}`).digest('hex').slice(0, 13)}`) / 2 ** 52
      expect([...splits]).toEqual([place < 0.7 ? 'train' : place < 0.85 ? 'validation' : 'test'])
    }
    expect(new Set([...grown.values()].flatMap((each) => [...each])).size).toBe(3)
    // The older snapshot gives what it gave.
    const again = await lake.build(await lake.define(`from: 1\n${definition()}`), 'again')
    expect(again.files).toEqual(before.files)
  })

  test('are of the shares that were asked for; an empty one has its files', async () => {
    const card = await lake.build(definition({ tail: 'split: {train: 50, test: 50, salt: other}\n' }), 'halves')
    expect(card.splits.validation).toEqual({ rows: 0, patients: 0 })
    expect(card.splits.train.rows).toBeGreaterThan(0)
    expect(card.splits.test.rows).toBeGreaterThan(0)
    expect(tableFromIPC(await readFile(fileOf('halves', 'validation.arrow'))).numRows).toBe(0)
    expect(
      await ask(`SELECT count(*)::INTEGER AS n FROM read_parquet('${fileOf('halves', 'validation.parquet')}')`),
    ).toEqual([{ n: 0 }])
  })
})

describe('the folder', () => {
  test('that is there is refused and left alone', async () => {
    await mkdir(fileOf('there', '.'))
    await writeFile(fileOf('there', 'mine'), '')
    await expect(lake.build(definition(), 'there')).rejects.toMatchObject({ code: 'USAGE_FOLDER' })
    expect(await readdir(fileOf('there', '.'))).toEqual(['mine'])
  })

  test('is not made when the build fails or is stopped, and nothing stays beside it', async () => {
    await expect(lake.build(definition({ cohort: 'SELECT 1 AS x' }), 'failed')).rejects.toMatchObject({
      code: 'DATASET_INVALID',
    })
    const controller = new AbortController()
    const features = `
  - name: endless
    take: count
    sql: SELECT patient_key, now_at AS at FROM (SELECT c.patient_key, to_timestamp(a.range + b.range) AS now_at FROM cohort AS c, range(1000000) AS a, range(1000000) AS b)`
    const stopped = lake.build(definition({ features }), 'stopped', {
      signal: controller.signal,
      onStep: (what) => void (what.startsWith('feature') && setImmediate(() => controller.abort())),
    })
    await expect(stopped).rejects.toMatchObject({ name: 'AbortError' })
    expect((await readdir(lake.folder)).filter((name) => /^(failed|stopped)/.test(name))).toEqual([])
  })

  test('of a killed build is cleared away by the next one to the same place', async () => {
    const left = `${fileOf('killed', '')}.part-999999999-1-000000000000`.replace('/.part', '.part')
    await mkdir(left)
    const gone = await ownLeftover('killed')
    await mkdir(gone)
    await lake.build(definition(), 'killed')
    await access(left) // of another machine: nobody knows
    await expect(access(gone)).rejects.toThrow()
  })
})

/** The name a process of this machine would have used that is no more. */
async function ownLeftover(to: string): Promise<string> {
  const { markText, ownMark } = await import('../../../src/store/process-mark.ts')
  return join(lake.folder, `${to}.part-${markText({ ...ownMark(), pid: 2 ** 22 - 1, began: '1' })}`)
}

test('tables in a folder of their own, wherever it lies now, are enough', async () => {
  const { makePastTables } = await import('../../../src/analysis/dataset/past-tables.ts')
  const { rename } = await import('node:fs/promises')
  const folder = join(lake.folder, 'past')
  await makePastTables(lake.lake, '1', {
    folder,
    tables: ['encounter', 'patient'],
    memoryLimitBytes: 256 << 20,
    stokerVersion: '1.2.3',
  })
  await rename(folder, `${folder}-moved`)
  const card = await lake.build(`from: {folder: past-moved}\n${definition()}`, 'of-folder')
  expect(card.from).toMatchObject({ kind: 'as-of', run: 1 })
  await expect(lake.build(`from: {folder: views}\n${definition()}`, 'x')).rejects.toMatchObject({
    code: 'DATASET_FOLDER',
  })
  await expect(lake.build(`from: {folder: lake/snapshots/000001}\n${definition()}`, 'x')).rejects.toMatchObject({
    code: 'DATASET_FOLDER',
  })
  await expect(lake.build(`from: 99\n${definition()}`, 'x')).rejects.toMatchObject({ code: 'QUERY_NO_SNAPSHOT' })
  await expect(lake.build(`from: {asOf: 99}\n${definition()}`, 'x')).rejects.toMatchObject({ code: 'PAST_UNKNOWN' })
})

test('more rows than memory holds are spilled, and come out', async () => {
  const cohort = `SELECT patient_key || '-' || range AS patient_key, period_start + to_seconds(range) AS index_date, repeat(md5(range::VARCHAR), 4) AS long
      FROM encounter, range(1000) WHERE class_code = 'EMER'`
  const label = `SELECT patient_key, index_date, index_date + to_days(1) AS at, long LIKE 'a%' AS value FROM cohort`
  const features = [1, 2, 3, 4]
    .map(
      (n) => `
  - name: f${n}
    sql: "SELECT patient_key, index_date, index_date AS at, long || '${n}' AS value FROM cohort"`,
    )
    .join('')
  const card = await lake.build(definition({ cohort, label, features }), 'large', { memoryLimitBytes: 48 << 20 })
  expect(card.rows.written).toBeGreaterThan(30_000)
  const instance = await DuckDBInstance.create()
  const connection = await instance.connect()
  const found = await connection.runAndReadAll(
    `SELECT count(DISTINCT (patient_key, index_date))::INTEGER AS n, count_if(right(f3, 1) = '3' AND left(f3, -1) = left(f1, -1))::INTEGER AS alike
     FROM read_parquet('${fileOf('large', '*.parquet')}')`,
  )
  expect(found.getRowObjectsJson()).toEqual([{ n: card.rows.written, alike: card.rows.written }])
  const arrow = tableFromIPC(await readFile(fileOf('large', 'train.arrow')))
  expect(arrow.numRows).toBe(card.splits.train.rows)
  connection.closeSync()
  instance.closeSync()
})
