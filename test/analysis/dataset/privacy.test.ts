import { tableFromIPC } from 'apache-arrow'
import { createHmac, randomBytes } from 'node:crypto'
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readDataset } from '../../../src/cli/dataset-file.ts'
import { ask, brief, DatasetLake, EXAMPLES } from './dataset-lake.ts'
import { AGE, definition } from './definitions.ts'

const KEY = randomBytes(32).toString('hex')
const PRIVATE = 'privacy: {keyFile: study.key, pseudonyms: true, shiftDays: 30}\n'

let lake: DatasetLake
beforeAll(async () => {
  lake = await DatasetLake.make(40)
  await lake.write('study.key', `${KEY}\n`)
})
afterAll(() => lake.close())

const hmac = (text: string) => createHmac('sha256', KEY).update(text).digest('hex')
const days = (from: unknown, to: unknown) => (Date.parse(String(to)) - Date.parse(String(from))) / 86_400_000

/** All that a reader could find in the files: their bytes, and what comes out when they are unpacked. */
async function everything(to: string): Promise<{ bytes: Buffer; values: string }> {
  const folder = join(lake.folder, to)
  const names = await readdir(folder)
  const files = await Promise.all(names.map((name) => readFile(join(folder, name))))
  const unpacked = await Promise.all(
    names.map(async (name, i) => {
      if (name.endsWith('.parquet')) {
        const path = join(folder, name)
        const rows = await ask(`FROM read_parquet('${path}')`)
        const meta = await ask(
          `SELECT stats_min, stats_max, stats_min_value, stats_max_value FROM parquet_metadata('${path}')`,
        )
        return JSON.stringify([rows, meta, await ask(`FROM parquet_kv_metadata('${path}')`)])
      }
      if (!name.endsWith('.arrow')) return files[i]!.toString()
      const table = tableFromIPC(files[i])
      return table
        .toArray()
        .map((row) => Object.values((row as { toJSON(): object }).toJSON()).join('|'))
        .join('\n')
    }),
  )
  return { bytes: Buffer.concat(files), values: unpacked.join('\n') }
}

describe('with pseudonyms and shifted dates', () => {
  test('nobody’s key or id, and no true date, is left in any file, be it unpacked', async () => {
    const open = await lake.build(definition(), 'open')
    const hidden = await lake.build(definition({ tail: PRIVATE }), 'hidden')
    expect(hidden.rows.written).toBe(open.rows.written)
    const { bytes, values } = await everything('hidden')
    const before = await everything('open')
    const ids = await lake.tables(
      `SELECT _resource_key AS key FROM patient UNION ALL SELECT _resource_key FROM encounter`,
    )
    for (const { key } of ids) {
      const id = String(key).split('/')[2]!
      for (const text of [String(key), id, Buffer.from(id).toString('hex')]) {
        expect(values.includes(text)).toBe(false)
        expect(bytes.includes(text)).toBe(false)
      }
    }
    // The search finds what is there to be found.
    const rows = await lake.rows('open')
    expect(before.values).toContain(String(rows[0]!.patient_key))
    expect(before.bytes.includes(String(rows[0]!.patient_key))).toBe(true)

    const shifted = new Map(
      (await lake.rows('hidden')).map((row) => [
        `${String(row.patient_key)} ${String(row.age)} ${String(row.visits_count)} ${String(row.index_date).slice(10)}`,
        row,
      ]),
    )
    for (const row of rows) {
      const key = String(row.patient_key)
      const pseudonym = hmac(`patient_key:${key}`)
      const place = Number(BigInt(`0x${hmac(`date_shift:${key}`).slice(0, 13)}`) % 60n)
      const shift = place < 30 ? place - 30 : place - 29
      const other = shifted.get(
        `${pseudonym} ${String(row.age)} ${String(row.visits_count)} ${String(row.index_date).slice(10)}`,
      )
      expect(other).toBeDefined()
      for (const column of ['index_date', 'born_on', 'visits_last'])
        expect(days(row[column], other![column])).toBe(shift)
      expect(other!.split).toBe(row.split)
      expect(Math.abs(shift)).toBeGreaterThanOrEqual(1)
      expect(Math.abs(shift)).toBeLessThanOrEqual(30)
      expect(values.includes(`"index_date":"${String(row.index_date)}"`)).toBe(false)
      // As Arrow and Parquet hold an instant.
      const micros = Buffer.alloc(8)
      micros.writeBigInt64LE(BigInt(Date.parse(String(row.index_date))) * 1000n)
      expect(bytes.includes(micros)).toBe(false)
      expect(before.bytes.includes(micros)).toBe(true)
    }
    expect(hidden.options).toMatchObject({ pseudonyms: true, shift_days: 30 })
    expect(hidden.options.key_fingerprint).toMatch(/^[0-9a-f]{16}$/)
    expect(bytes.includes(KEY)).toBe(false)
    expect(values).toContain('Keys are pseudonyms')
    const keys = (
      await ask(`SELECT patient_key FROM read_parquet('${join(lake.folder, 'hidden', 'train.parquet')}')`)
    ).map((row) => row.patient_key)
    expect(keys).toEqual([...keys].sort())
  })

  test('the same key gives the same bytes, another key others', async () => {
    await lake.build(definition({ tail: PRIVATE }), 'once')
    await lake.build(definition({ tail: PRIVATE }), 'twice')
    expect(await lake.bytes('twice')).toEqual(await lake.bytes('once'))
    await lake.write('study.key', randomBytes(32).toString('hex'))
    await lake.build(definition({ tail: PRIVATE }), 'otherwise')
    expect((await lake.bytes('otherwise'))['train.parquet']).not.toBe((await lake.bytes('once'))['train.parquet'])
    await lake.write('study.key', `${KEY}\n`)
  })

  test('parameters and a salt, which may tell of somebody, are not on the card', async () => {
    const [{ key } = {}] = await lake.tables('SELECT min(_resource_key) AS key FROM patient')
    const head = `parameters: {who: '${String(key)}'}\n`
    const cohort = `SELECT patient_key, period_start AS index_date FROM encounter WHERE patient_key <> $who AND class_code = 'EMER'`
    const card = await lake.build(
      definition({ head, cohort, tail: `split: {train: 100, salt: '${String(key)}'}\n${PRIVATE}` }),
      'parameters',
    )
    expect(card.definition.parameters).toEqual(['who'])
    expect(card.options.split.salt).toBeNull()
    expect((await everything('parameters')).values).not.toContain(String(key))
  })

  test('the examples build, nothing in them tells of anybody', async () => {
    for (const name of ['readmission-30d', 'hba1c-progression']) {
      const text = await readFile(join(EXAMPLES, `${name}.yaml`), 'utf8')
      const card = await lake.build(await lake.define(`${text}\n${PRIVATE}`, `${name}.yaml`), `private-${name}`)
      expect(card.options.pseudonyms).toBe(true)
    }
  })
})

describe('a value that would give somebody away is refused', () => {
  const feature = (value: string, more = '', name = 'telling') => `
  - name: ${name}
    sql: |
      SELECT c.patient_key, c.index_date, c.index_date AS at, ${value} AS value
      FROM cohort AS c JOIN patient AS p ON p._resource_key = c.patient_key ${more}`
  const EMERGENCY = `JOIN encounter AS e ON e.patient_key = c.patient_key AND e.period_start = c.index_date`

  const TEXTS = 'texts? with a key or id'
  const OF_PSEUDONYMS = {
    key: ['c.patient_key', TEXTS],
    id: ['p.id', TEXTS],
    key_in_other_words: [`'patient: ' || c.patient_key`, TEXTS],
    reference: [`'see Encounter/' || e.id`, TEXTS],
    key_of_a_visit: ['e._resource_key', TEXTS],
    id_of_a_visit: ['e.id', TEXTS],
    of_some_only: [`CASE WHEN md5_number(p.id) % 3 = 0 THEN p.id ELSE 'x' END`, TEXTS],
  }
  const OF_SHIFTED_DATES = {
    date_as_text: ['c.index_date::DATE::VARCHAR', 'texts? with a date'],
    date_in_words: [`'seen on ' || strftime(c.index_date, '%d.%m.%Y')`, 'texts? with a date'],
    month: [`strftime(c.index_date, '%Y-%m')`, 'texts? with a date'],
    digits_of_a_date: [`strftime(c.index_date, '%Y%m%d')::INTEGER`, 'numbers? that all look like dates'],
    seconds_since_1970: ['epoch(c.index_date)', 'numbers? that all look like dates'],
    microseconds_since_1970: ['epoch_us(c.index_date)', 'numbers? that all look like dates'],
  }

  test.each([
    ['with pseudonyms, keys and ids', OF_PSEUDONYMS],
    ['with shifted dates, dates of every form', OF_SHIFTED_DATES],
  ])('%s, each in its column; without privacy none is', async (_what, values) => {
    const columns = Object.entries(values)
    const features = columns.map(([name, [value]]) => feature(value!, /\be\./.test(value!) ? EMERGENCY : '', name))
    const yaml = definition({ features: features.join('') })
    expect(brief(await lake.mistakes(`${yaml}${PRIVATE}`))).toEqual(
      columns.map(([name, [, words]], n): unknown =>
        expect.stringMatching(new RegExp(`^${15 + 4 * n}:7 features\\[${n}\\]\\.sql: column ${name}: \\d+ ${words}`)),
      ),
    )
    await lake.build(yaml, `open-${columns[0]![0]}`)
  })

  test('with pseudonyms, a column named like a patient, and numbers that are ids', async () => {
    const cohort = `SELECT 'demo/Patient/' || i AS patient_key, DATE '2024-01-01' AS index_date FROM (VALUES ('p4711'), ('12'), ('13')) AS t(i)`
    const label = `SELECT patient_key, index_date, index_date + to_days(1) AS at, 1 AS value FROM cohort`
    const features = `
  - name: some
    sql: SELECT patient_key, index_date, index_date AS at, 1 AS p4711, TRY_CAST(split_part(patient_key, '/', 3) AS INTEGER) AS value FROM cohort`
    const told = await lake.mistakes(definition({ cohort, label, features, tail: PRIVATE }))
    expect(told.map(({ problem }) => problem)).toEqual([
      "column p4711: its name is a patient's id",
      "column some: 2 numbers that are the patient's id",
    ])
  })

  test('and what tells nothing is not', async () => {
    const features = `${AGE}${feature(`'LOINC 2951-2 / SNOMED 19829001, Yes/No 12.5'`)}
  - name: plenty
    sql: SELECT patient_key, index_date, index_date AS at, 250000 AS platelets, 2019 AS year_of_it, 1.5 AS part, true AS flag FROM cohort`
    const card = await lake.build(definition({ features, tail: PRIVATE }), 'harmless')
    expect(card.columns.map(({ name }) => name)).toContain('telling')
  })
})

describe('the key file', () => {
  test.each([
    ['is missing', 'none.key', undefined, 0o600, /there is no file none\.key to read \(ENOENT\)/],
    [
      'may be read by others',
      'open.key',
      KEY,
      0o644,
      /others on this machine may read it \(mode 644\) \| Take that away: chmod 600/,
    ],
    ['is too short', 'short.key', 'secret', 0o600, /the key in it is too short \| Give 32 characters or more/],
  ])('that %s is refused with its place', async (_what, name, text, mode, words) => {
    if (text !== undefined) await lake.write(name, text, mode)
    const tail = `privacy:\n  keyFile: ${name}\n  pseudonyms: true\n`
    const told = brief(await lake.mistakes(definition({ tail })))
    expect(told).toEqual([expect.stringMatching(words)])
    expect(told[0]).toMatch(/^\d+:12 privacy\.keyFile: /)
  })

  test('is asked for only where it is needed, and must be named then', async () => {
    const told = brief(await lake.mistakes(definition({ tail: 'privacy: {shiftDays: 10}\n' })))
    expect(told).toEqual([expect.stringMatching(/privacy\.keyFile: is missing \| Give a file with a secret/)])
    const path = await lake.write(
      'plain.yaml',
      definition({ tail: 'privacy: {keyFile: none.key, pseudonyms: false}\n' }),
    )
    expect((await readDataset(path)).privacy).toEqual({ key: undefined, pseudonyms: false, shiftDays: 0 })
  })
})
