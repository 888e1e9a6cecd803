import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkDataset } from '../../../src/analysis/dataset/check.ts'
import { DatasetError } from '../../../src/analysis/dataset/mistakes.ts'
import { readDataset } from '../../../src/cli/dataset-file.ts'
import { brief, DatasetLake, EXAMPLES } from './dataset-lake.ts'
import { definition } from './definitions.ts'

let lake: DatasetLake
beforeAll(async () => {
  lake = await DatasetLake.make(8)
})
afterAll(() => lake.close())

const mistakes = async (yaml: string) => brief(await lake.mistakes(yaml))
const feature = (lines: string) => `\n  - ${lines.replaceAll('\n', '\n    ')}`
const events = (sql: string, more = 'take: count') =>
  feature(`name: it\n${more}\nsql: |\n  ${sql.replaceAll('\n', '\n  ')}`)

describe('a definition', () => {
  test.each<[string, string, string | RegExp]>([
    ['is empty', '', `1:1 : the file is empty`],
    ['is no YAML', 'name: "x\ncohort: y', /^\d+:\d+ : a quote that was opened above is not closed/],
    ['lacks a name', definition().replace('name: emergency\n', ''), `1:1 name: is missing | Add it: The name of`],
    [
      'has a wrong name',
      definition().replace('emergency', 'Emergency Visits'),
      `1:7 name: has characters that can not stand here`,
    ],
    [
      'has a misspelt key',
      definition({ tail: 'spilt: {train: 100}\n' }),
      /^\d+:1 spilt: there is no such key \| Did you mean 'split'\?/,
    ],
    ['has no features', definition({ features: ' []' }), /features: is empty/],
    [
      'has a feature without SQL',
      definition({ features: feature('name: age') }),
      /^13:5 features\[0\]\.sql: is missing \| Give sql/,
    ],
    [
      'has SQL twice',
      definition({ features: feature('name: age\nsql: SELECT 1\nfile: x.sql') }),
      /^15:11 features\[0\]\.file: is given beside sql/,
    ],
    [
      'names a file that is not there',
      definition({ features: feature('name: age\nfile: none.sql') }),
      /^14:11 features\[0\]\.file: there is no file none\.sql to read \(ENOENT\)/,
    ],
    [
      'has an unknown take',
      definition({ features: events('SELECT 1', 'take: lats') }),
      /^14:11 features\[0\]\.take: is none of last, .* \| Did you mean 'last'\?/,
    ],
    [
      'has an unknown take in a list',
      definition({ features: events('SELECT 1', 'take: [last, avarage]') }),
      /^14:18 features\[0\]\.take\[1\]: is none of/,
    ],
    [
      'takes the same twice',
      definition({ features: events('SELECT 1', 'take: [last, last]') }),
      /features\[0\]\.take: has last twice/,
    ],
    [
      'has a window past the index date',
      definition({ features: events('SELECT 1', 'window: {toDay: 30}\ntake: count') }),
      /^14:21 features\[0\]\.window\.toDay: is more than 0/,
    ],
    [
      'has a window that ends before it begins',
      definition({ features: events('SELECT 1', 'window: {fromDay: -1, toDay: -2}\ntake: count') }),
      /^14:23 features\[0\]\.window\.fromDay: lies after toDay/,
    ],
    [
      'has two features of one name',
      definition({ features: events('SELECT 1') + events('SELECT 1') }),
      /^17:11 features\[1\]\.name: there are two features it/,
    ],
    [
      'has shares that are not 100 together',
      definition({ tail: 'split: {train: 70, test: 20}\n' }),
      /^\d+:16 split\.train: the shares together are 90, not 100/,
    ],
    [
      'has a list of mixed values',
      definition({ head: 'parameters: {codes: [1, two]}\n' }),
      /^2:21 parameters\.codes: its values are not of one kind/,
    ],
    [
      'has a parameter of ours',
      definition({ head: 'parameters: {data_until: 1}\n' }),
      /^2:26 parameters\.data_until: is what the tables say themselves/,
    ],
    ['is from nowhere', definition({ head: 'from: oldest\n' }), /^2:7 from: has characters/],
    [
      'is from two places',
      definition({ head: 'from: {asOf: 1, folder: x}\n' }),
      /^2:25 from\.folder: is given beside asOf/,
    ],
  ])('that %s is refused with its line', async (_what, yaml, expected) => {
    const told = await mistakes(yaml)
    expect(told.join('\n')).toMatch(
      typeof expected === 'string' ? new RegExp(escaped(expected), 'm') : new RegExp(expected, 'm'),
    )
  })

  test('has all of its mistakes told at once, in the order of the lines', async () => {
    const told = await mistakes(
      definition({
        cohort: 'SELECT patient_key FROM encounter',
        label: 'SELECT patient_key, period_start AS index_date, period_end AS at, statsu FROM encounter',
        features:
          events('SELECT patient_key, period_start FROM encounter') + events('SELECT now() AS at').replace('it', 'now'),
      }),
    )
    expect(told).toEqual([
      expect.stringMatching(/^4:5 cohort\.sql: gives no column index_date \| Select it: … AS index_date/),
      expect.stringMatching(/^7:71 label\.sql: Referenced column "statsu" not found in FROM clause \| .*"status"/),
      expect.stringMatching(
        /^12:7 features\[0\]\.sql: gives no column at \| Select it: … AS at, when the values were known/,
      ),
      expect.stringMatching(/^16:14 features\[1\]\.sql: now\(\) gives something else each time/),
    ])
  })
})

describe('the place of a mistake in SQL', () => {
  test.each<[string, string, string]>([
    ['a block', '|\n      SELECT patient_key,\n        foo AS at\n      FROM encounter', '16:9'],
    [
      'a block behind letters of two bytes',
      `|\n      SELECT 'é' AS "ä",\n        'üü' || foo AS at\n      FROM encounter`,
      '16:17',
    ],
    ['a text in one line', 'SELECT foo AS at FROM encounter', '14:17'],
    ['a text in quotes', `"SELECT 'x' AS y, foo AS at FROM encounter"`, '14:28'],
    ['a text that YAML folds', '>\n      SELECT patient_key,\n        foo AS at\n      FROM encounter', '14:10'],
  ])('is told in %s', async (_what, sql, place) => {
    const told = await mistakes(definition({ features: `\n  - name: it\n    sql: ${sql}\n    take: count` }))
    expect(told).toEqual([
      expect.stringMatching(new RegExp(`^${place} features\\[0\\]\\.sql: Referenced column "foo"`)),
    ])
  })

  test('is that of its own file, where it has one', async () => {
    await lake.write('sql/feature.sql', '-- a comment\nSELECT patient_key,\n  foo AS at FROM encounter')
    const wrong = await lake.mistakes(definition({ features: feature('name: it\ntake: count\nfile: sql/feature.sql') }))
    expect(wrong.map(({ file, line, column }) => `${file}:${line}:${column}`)).toEqual(['sql/feature.sql:3:3'])
  })
})

describe('a SELECT', () => {
  test('that is empty is refused', async () => {
    expect(await mistakes(definition({ features: events('') }))).toEqual([expect.stringMatching(/is empty/)])
  })

  test('that is wrong is refused with its place', async () => {
    const wrong: readonly (readonly [string, RegExp])[] = [
      ['SELECT patient_key period_start AS at FROM encounter', /^16:39 .*: syntax error at or near "AS"/],
      [
        'SELECT patient_key, period_start AS at FROM encouner',
        /^16:51 .*: Table with name encouner does not exist \| Did you mean "encounter"/,
      ],
      [
        'SELECT patient_key, $until AS at FROM encounter',
        /^16:27 .*: there is no parameter \$until \| Give it under parameters; \$data_until is always there/,
      ],
      ['SELECT patient_key, $1 AS at FROM encounter', /there is no parameter \$1/],
      ['SELECT patient_key, 5 AS at FROM encounter', /^16:7 .*: at is INTEGER \| Give a DATE/],
      ['SELECT patient_key, period_start AS at, [1, 2] AS list FROM encounter', /list is INTEGER\[\] \| Give a number/],
      ['SELECT patient_key, period_start AS at, 1 AS "Ö" FROM encounter', /whose name is no name/],
      ['SELECT 1 AS patient_key, period_start AS at FROM encounter', /patient_key is INTEGER \| Give the key/],
    ]
    const features = wrong.map(([sql], n) => events(sql).replace('it', `f${n}`))
    const found = await lake.mistakes(definition({ features: features.join('') }))
    for (const [n, [sql, expected]] of wrong.entries()) {
      const told = brief(found.filter(({ path }) => path === `features[${n}].sql`))
      // As if it were the first.
      const line = Number(told[0]?.split(':')[0]) - 4 * n
      expect([sql, told.length, `${line}:${told[0]?.split(':').slice(1).join(':')}`]).toEqual([
        sql,
        1,
        expect.stringMatching(expected),
      ])
    }
  })

  test('of values that can not be taken so, of none, or under a name that is there, is refused', async () => {
    const told = await mistakes(
      definition({
        features:
          events('SELECT patient_key, period_start AS at, status AS value FROM encounter', 'take: [mean, last]') +
          events('SELECT patient_key, period_start AS at FROM encounter', 'take: last').replace('it', 'none') +
          events('SELECT patient_key, period_start AS at FROM encounter', 'window: {toDay: 0}').replace('it', 'how') +
          events('SELECT patient_key, index_date, index_date AS at, 1 AS value FROM cohort').replace('it', 'rows') +
          events('SELECT patient_key, period_start AS at, 1 AS again FROM encounter', 'take: max').replace(
            'it',
            'second',
          ),
      }),
    )
    expect(told).toEqual([
      expect.stringMatching(/features\[0\]\.sql: value is VARCHAR, of which there is no mean/),
      expect.stringMatching(/features\[1\]\.sql: its events have no value, of which there is no last/),
      expect.stringMatching(/features\[2\]\.sql: says not how its events become one value \| Add take/),
      expect.stringMatching(/features\[3\]\.sql: its rows have an index_date already, so that take and window/),
      expect.stringMatching(/features\[4\]\.sql: the data set would have a second column again/),
    ])
  })

  test('whose index date is of another kind than the cohort’s is refused', async () => {
    const features = `\n  - name: it\n    sql: SELECT patient_key, index_date::DATE AS index_date, index_date AS at, 1 AS value FROM cohort`
    expect(await mistakes(definition({ features }))).toEqual([
      expect.stringMatching(/its index_date is DATE, that of the cohort TIMESTAMPTZ \| Give it as the cohort does/),
    ])
  })

  test('that meets a value it can not use ends the build without a word of the value', async () => {
    const features = events(
      'SELECT patient_key, period_start AS at, status::INTEGER AS value FROM encounter',
      'take: max',
    )
    const failed = lake.build(definition({ features }), 'never')
    await expect(failed).rejects.toMatchObject({
      code: 'DATASET_SQL',
      hint: expect.stringContaining('TRY_CAST') as string,
    })
    await expect(failed).rejects.toThrow(
      /definition\.yaml:16:7 features\[0\]\.sql: DuckDB can not go through with it \(Conversion Error\)$/,
    )
    await expect(failed).rejects.not.toThrow(/finished/)
  })

  test('reaches nothing but the snapshot’s tables, and nothing that is another thing next time', async () => {
    const folder = lake.lake.snapshot(1)
    const inside = join(folder, 'patient', '0.parquet')
    const before = await everything(lake.folder)
    const attacks = [
      `FROM read_csv('/etc/passwd')`,
      `FROM '/etc/passwd'`,
      `FROM "${inside}"`,
      `FROM read_parquet('${inside}')`,
      `FROM glob('${folder}/*')`,
      `FROM read_text('${join(lake.folder, 'definition.yaml')}')`,
      `FROM duckdb_settings()`,
      `FROM duckdb_tables`,
      `FROM information_schema.tables`,
      `FROM memory.stoker_set.cohort`,
      `FROM stoker_set.cohort`,
      `FROM memory.with_deleted.encounter`,
      `FROM with_deleted."/etc/passwd"`,
      `FROM with_deleted.duckdb_tables`,
      `FROM "STOKER_SET".person`,
      `FROM query('SELECT 1')`,
      `FROM query_table('patient')`,
      `FROM enable_logging('QueryLog')`,
      `FROM pragma_version()`,
      `FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))`,
      `SELECT getenv('HOME')`,
      `SELECT current_setting('temp_directory')`,
      `SELECT getvariable('x')`,
      `SELECT write_log('x')`,
      `SELECT sleep_ms(1000000)`,
      `SELECT nextval('x')`,
      `SELECT now()`,
      `SELECT today()`,
      `SELECT current_date`,
      `SELECT CURRENT_TIMESTAMP`,
      `SELECT localtimestamp`,
      `SELECT age(DATE '2020-01-01')`,
      `SELECT random()`,
      `SELECT gen_random_uuid()`,
      `SELECT "main"."random"()`,
      `SELECT (SELECT r FROM (SELECT random() AS r))`,
      `FROM encounter USING SAMPLE 3`,
      `FROM encounter TABLESAMPLE 10%`,
      `SHOW TABLES`,
      `DESCRIBE encounter`,
      `SUMMARIZE encounter`,
      `EXPLAIN ANALYZE FROM encounter`,
      `SELECT 1; SELECT 2`,
      `SELECT 1) SELECT (2`,
      `SELECT 1 ) SELECT 1; COPY (SELECT 1) TO '${join(lake.folder, 'out.csv')}'; --`,
      `COPY (FROM encounter) TO '${inside}' (FORMAT parquet)`,
      `COPY (FROM encounter) TO '${join(lake.folder, 'out.csv')}'`,
      `ATTACH '${lake.lake.database}' AS w`,
      `CREATE TABLE t AS FROM encounter`,
      `INSERT INTO encounter FROM encounter`,
      `DROP VIEW encounter`,
      `INSTALL httpfs`,
      `LOAD httpfs`,
      `SET enable_external_access = true`,
      `PRAGMA enable_profiling`,
      `CALL pragma_version()`,
      `BEGIN`,
      `PREPARE p AS SELECT 1`,
    ]
    const features = attacks.map((sql, i) => JSON.stringify({ name: `f${i}`, sql, take: 'count' })).join(',\n  ')
    const found = await lake.mistakes(definition({ features: ` [${features}]` }))
    attacks.forEach((sql, i) => {
      const [first] = found.filter(({ path }) => path === `features[${i}].sql`)
      expect([sql, first?.line]).toEqual([sql, 12 + i])
      // Refused for what it is, not for what its rows lack.
      expect([sql, first?.problem]).toEqual([sql, expect.not.stringContaining('gives no column')])
    })
    await lake.write('definition.yaml', before.get(join(lake.folder, 'definition.yaml')) ?? '')
    expect(new Set((await everything(lake.folder)).keys())).toEqual(
      new Set([...before.keys(), join(lake.folder, 'definition.yaml')]),
    )
  })
})

describe('a check', () => {
  const options = { memoryLimitBytes: 256 << 20, stokerVersion: '1.2.3' }

  test('tells the columns without reading a row, and finds what a build would refuse', async () => {
    for (const name of await readdir(EXAMPLES)) {
      const example = await readDataset(join(EXAMPLES, name))
      const checked = await checkDataset(example, { ...options, lake: lake.lake })
      expect(checked.columns!.slice(0, 2).map((column) => column.name)).toEqual(['patient_key', 'index_date'])
      // As of a past run it would have to make the tables first.
      const past = { ...example, from: { kind: 'as-of' as const, when: '1' } }
      expect(await checkDataset(past, { ...options, lake: lake.lake })).toEqual(checked)
    }
    const wrong = await lake.define(definition({ cohort: 'SELECT patient_key FROM nowhere' }))
    await expect(checkDataset(wrong, { ...options, lake: lake.lake })).rejects.toBeInstanceOf(DatasetError)
  })

  test('needs no lake for the SQL itself', async () => {
    const sound = await lake.define(definition({ cohort: 'SELECT patient_key FROM nowhere' }))
    const checked = await checkDataset(sound, { ...options, lake: undefined })
    expect(checked).toEqual({ tables: ['encounter', 'nowhere', 'patient'], columns: undefined, from: undefined })
    const wrong = await lake.define(definition({ cohort: 'SELECT patient_key FRM nowhere' }))
    await expect(checkDataset(wrong, { ...options, lake: undefined })).rejects.toThrow(/4:28 cohort\.sql: syntax error/)
  })
})

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
}

/** Paths and texts of all files. */
async function everything(folder: string): Promise<Map<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return new Map(await Promise.all(files.map(async (path) => [path, await readFile(path, 'latin1')] as const)))
}
