/** What a hostile query may try: to read, write, reach or learn what is not the snapshot's. Judged by what came of it. */
import { access, symlink } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename, join, relative } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SnapshotReader } from '../../../src/warehouse/reading/reader.ts'
import { CANARY, SnapshotFixture } from './snapshot-fixture.ts'

let fixture: SnapshotFixture
let reader: SnapshotReader
/** As cohorts and `stoker query --living` see it. */
let living: SnapshotReader
let server: Server
let requests = 0
let before: Map<string, string>
let linked: string

/** The words of an attack that only this run knows. */
interface Places {
  readonly out: string
  readonly lake: string
  readonly snap: string
  readonly up: string
  readonly link: string
  readonly url: string
}
let places: Places

beforeAll(async () => {
  process.env.STOKER_CANARY = CANARY
  fixture = await SnapshotFixture.make()
  server = createServer((_request, response) => {
    requests += 1
    response.end(`secret\n${CANARY}\n`)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const snap = fixture.lake.snapshot(2)
  // As if somebody had put a link into the snapshot's folder.
  linked = join(snap, 'linked')
  await symlink(fixture.outside, linked)
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  places = {
    out: fixture.outside,
    lake: fixture.lake.root,
    snap,
    up: relative(snap, fixture.outside),
    link: linked,
    url,
  }
  before = await fixture.everything()
  reader = await SnapshotReader.open(fixture.lake, 256 << 20)
  living = await SnapshotReader.open(fixture.lake, 256 << 20, { living: true })
})
afterAll(async () => {
  delete process.env.STOKER_CANARY
  await reader.close()
  await living.close()
  server.close()
  await fixture.close()
})

type Attack = (at: Places) => string

const READS: Readonly<Record<string, Attack>> = {
  'read_csv of a file': ({ out }) => `FROM read_csv('${out}/secret.csv')`,
  'read_csv_auto of a file': ({ out }) => `FROM read_csv_auto('${out}/secret.csv')`,
  'read_text of a file': ({ out }) => `FROM read_text('${out}/secret.csv')`,
  'read_blob of a file': ({ out }) => `FROM read_blob('${out}/secret.csv')`,
  'read_json of a file': ({ out }) => `FROM read_json('${out}/secret.json')`,
  'read_ndjson_objects of a file': ({ out }) => `FROM read_ndjson_objects('${out}/secret.json')`,
  'read_parquet of a file': ({ out }) => `FROM read_parquet('${out}/secret.parquet')`,
  'parquet_scan of a file': ({ out }) => `FROM parquet_scan('${out}/secret.parquet')`,
  'parquet_metadata of a file': ({ out }) => `FROM parquet_metadata('${out}/secret.parquet')`,
  'parquet_kv_metadata of a file': ({ out }) => `FROM parquet_kv_metadata('${out}/secret.parquet')`,
  'parquet_bloom_probe of a file': ({ out }) => `FROM parquet_bloom_probe('${out}/secret.parquet', 'secret', 'x')`,
  'sniff_csv of a file': ({ out }) => `FROM sniff_csv('${out}/secret.csv')`,
  'read_duckdb of the database': ({ lake }) => `FROM read_duckdb('${lake}/warehouse.duckdb', table_name = 'run')`,
  'glob of a folder': ({ out }) => `FROM glob('${out}/*')`,
  'glob of the snapshot itself': ({ snap }) => `FROM glob('${snap}/**')`,
  'a list of files': ({ out, snap }) =>
    `FROM read_parquet(['${snap}/patient_name/0.parquet', '${out}/secret.parquet'])`,
  'a file as a table': ({ out }) => `FROM '${out}/secret.csv'`,
  'a file as a quoted name': ({ out }) => `FROM "${out}/secret.parquet"`,
  'a file as a table of a schema': ({ out }) => `FROM main."${out}/secret.csv"`,
  'a file as a table of what was deleted': ({ out }) => `FROM with_deleted."${out}/secret.csv"`,
  'a file in a join': ({ out }) => `FROM patient_name JOIN '${out}/secret.csv' ON true`,
  'a file in a subquery': ({ out }) => `SELECT (SELECT secret FROM '${out}/secret.csv')`,
  'a file in a CTE': ({ out }) => `WITH x AS (FROM '${out}/secret.csv') FROM x`,
  'a file in a correlated subquery': ({ out }) =>
    `SELECT * FROM patient_name p WHERE EXISTS (FROM read_csv('${out}/secret.csv') WHERE secret > p.family)`,
  'a file in a lateral join': ({ out }) => `FROM patient_name, LATERAL (FROM read_text('${out}/secret.csv'))`,
  'a file behind a UNION': ({ out }) => `SELECT family FROM patient_name UNION ALL SELECT * FROM '${out}/secret.csv'`,
  'a file in IN': ({ out }) => `SELECT 1 WHERE 'x' IN (FROM '${out}/secret.csv')`,
  'a file described': ({ out }) => `DESCRIBE '${out}/secret.csv'`,
  'a file summarized': ({ out }) => `SUMMARIZE '${out}/secret.parquet'`,
  'a file shown': ({ out }) => `SHOW '${out}/secret.csv'`,
  'a file pivoted': ({ out }) => `PIVOT '${out}/secret.csv' ON secret IN ('x') USING count(*)`,
  'a file unpivoted': ({ out }) => `UNPIVOT '${out}/secret.csv' ON secret`,
  'a file in TABLE': ({ out }) => `TABLE "${out}/secret.csv"`,
  'a file by the way up': ({ snap, up }) => `FROM read_csv('${snap}/${up}/secret.csv')`,
  'a file by the way up, relative': ({ up }) => `FROM '${up}/secret.csv'`,
  'a file through a link': ({ link }) => `FROM read_csv('${link}/secret.csv')`,
  'a file through a link, as a table': ({ link }) => `FROM '${link}/secret.csv'`,
  'a file in the home folder': () => `FROM '~/secret.csv'`,
  'a file of the process': () => `FROM read_text('/proc/self/environ')`,
  'a file with a scheme': ({ out }) => `FROM 'file://${out}/secret.csv'`,
  'another snapshot by the way up': ({ snap }) => `FROM read_parquet('${snap}/../000001/patient_name/*.parquet')`,
  'another snapshot': ({ lake }) => `FROM read_parquet('${lake}/snapshots/000001/patient_name/*.parquet')`,
  'the database': ({ lake }) => `FROM '${lake}/warehouse.duckdb'`,
  'a file by a quoted function': ({ out }) => `FROM "read_text"('${out}/secret.csv')`,
  'a file by a function in capitals': ({ out }) => `FROM READ_TEXT('${out}/secret.csv')`,
  'a file by a function of a schema': ({ out }) => `FROM system.main.read_text('${out}/secret.csv')`,
  'a file by a function after a comment': ({ out }) => `FROM read_/* */text('${out}/secret.csv')`,
  'a file by a name in Unicode escapes': ({ out }) => `FROM U&"read\\005ftext"('${out}/secret.csv')`,
  'a file in dollar quotes': ({ out }) => `FROM read_text($$${out}/secret.csv$$)`,
  'a file by a query in text': ({ out }) => `FROM query('FROM read_text(''${out}/secret.csv'')')`,
  'a file by query_table': ({ out }) => `FROM query_table('${out}/secret.csv')`,
  'a file by query_table, as a list': ({ out }) => `FROM query_table(['${out}/secret.csv'])`,
  'a file by a serialized statement': ({ out }) =>
    `FROM json_execute_serialized_sql(json_serialize_sql('FROM read_text(''${out}/secret.csv'')'))`,
  'a file by the plan of a query': ({ out }) => `SELECT json_serialize_plan('FROM read_text(''${out}/secret.csv'')')`,
  'a file behind EXPLAIN ANALYZE': ({ out }) => `EXPLAIN ANALYZE FROM read_text('${out}/secret.csv')`,
  'a file behind the options of EXPLAIN': ({ out }) => `EXPLAIN (FROM read_text($$) SELECT 1 --${out}/secret.csv$$))`,
  'a file behind a histogram': ({ out }) => `FROM histogram('${out}/secret.csv', secret)`,
  'a file by completion of SQL': ({ out }) => `FROM sql_auto_complete('FROM ''${out}/')`,
  'a file by a lambda': ({ out }) =>
    `SELECT list_transform(['${out}/secret.csv'], lambda f: (SELECT content FROM read_text(f)))`,
  'a file in an ORDER BY': ({ out }) => `SELECT 1 ORDER BY (SELECT content FROM read_text('${out}/secret.csv'))`,
  'a file in a FILTER': ({ out }) => `SELECT count(*) FILTER ((SELECT true FROM read_text('${out}/secret.csv')))`,
  'a file in a LIMIT': ({ out }) => `FROM patient_name LIMIT (SELECT size FROM read_text('${out}/secret.csv'))`,
  'a file in a window': ({ out }) =>
    `SELECT sum(1) OVER (ORDER BY (SELECT size FROM read_text('${out}/secret.csv'))) FROM patient_name`,
  'memory at an address': () => `FROM arrow_scan(1::UBIGINT::POINTER, 2::UBIGINT::POINTER, 3::UBIGINT::POINTER)`,
  'a scan of nothing': () => `FROM seq_scan()`,
}

const WRITES: Readonly<Record<string, Attack>> = {
  'COPY to a file': ({ out }) => `COPY (FROM patient_name) TO '${out}/x.csv'`,
  'COPY over a file of the snapshot': ({ snap }) =>
    `COPY (SELECT 1) TO '${snap}/patient_name/0.parquet' (FORMAT parquet)`,
  'COPY into the snapshot': ({ snap }) => `COPY (SELECT 1) TO '${snap}/new.csv'`,
  'COPY behind EXPLAIN ANALYZE': ({ snap }) => `EXPLAIN ANALYZE COPY (SELECT 1) TO '${snap}/new.csv'`,
  'COPY behind EXPLAIN and a comment': ({ snap }) => `EXPLAIN /**/ ANALYZE COPY (SELECT 1) TO '${snap}/new.csv'`,
  'COPY behind a comment and EXPLAIN ANALYZE': ({ snap }) =>
    `/**/ EXPLAIN ANALYZE COPY (SELECT 1) TO '${snap}/new.csv'`,
  'COPY behind a comment': ({ snap }) => `/* SELECT 1 */ COPY (SELECT 1) TO '${snap}/new.csv'`,
  'COPY behind a line comment': ({ snap }) => `-- SELECT 1\nCOPY (SELECT 1) TO '${snap}/new.csv'`,
  'COPY as the second statement': ({ snap }) => `SELECT 1; COPY (SELECT 1) TO '${snap}/new.csv'`,
  'COPY behind an end of text': ({ snap }) => `SELECT 1\0; COPY (SELECT 1) TO '${snap}/new.csv'`,
  'COPY in a CTE': ({ snap }) => `WITH x AS (COPY (SELECT 1) TO '${snap}/new.csv') FROM x`,
  'EXPORT DATABASE': ({ snap }) => `EXPORT DATABASE '${snap}/exported'`,
  'IMPORT DATABASE': ({ out }) => `IMPORT DATABASE '${out}'`,
  'ATTACH of a new database': ({ snap }) => `ATTACH '${snap}/x.duckdb' AS x`,
  'ATTACH of the lake': ({ lake }) => `ATTACH '${lake}/warehouse.duckdb' AS w`,
  'ATTACH of SQLite': ({ out }) => `ATTACH '${out}/x.sqlite' (TYPE sqlite)`,
  'a log file': ({ snap }) => `FROM enable_logging(storage_path = '${snap}/log')`,
  'a log file outside': ({ out }) => `FROM enable_logging(storage = 'file', storage_path = '${out}/log')`,
  'a log file by a serialized statement': ({ snap }) =>
    `FROM json_execute_serialized_sql(json_serialize_sql('FROM enable_logging(storage_path = ''${snap}/log'')'))`,
  'a log file by the plan of a query': ({ snap }) =>
    `SELECT json_serialize_plan('FROM enable_logging(storage_path = ''${snap}/log'')')`,
  'a profile file': ({ snap }) => `FROM enable_profiling(save_location = '${snap}/profile')`,
  'a line of a log': () => `SELECT write_log('x')`,
  CHECKPOINT: () => `CHECKPOINT`,
  'a checkpoint': () => `FROM checkpoint()`,
  'a forced checkpoint': () => `FROM force_checkpoint()`,
  'CREATE TABLE': () => `CREATE TABLE t AS FROM patient_name`,
  'CREATE TEMP TABLE': () => `CREATE TEMP TABLE t AS FROM patient_name`,
  'CREATE VIEW': () => `CREATE OR REPLACE VIEW patient_name AS SELECT 1`,
  'CREATE MACRO': () => `CREATE MACRO f(x) AS x`,
  'CREATE SECRET': () => `CREATE SECRET s (TYPE http, BEARER_TOKEN 'x')`,
  'CREATE PERSISTENT SECRET': () => `CREATE PERSISTENT SECRET s (TYPE http, BEARER_TOKEN 'x')`,
  'CREATE TYPE': () => `CREATE TYPE t AS ENUM ('a')`,
  'CREATE SEQUENCE': () => `CREATE SEQUENCE s`,
  'SELECT INTO': () => `SELECT * INTO t FROM patient_name`,
  INSERT: () => `INSERT INTO patient_name FROM patient_name`,
  'INSERT in a CTE': () => `WITH x AS (INSERT INTO patient_name FROM patient_name RETURNING *) FROM x`,
  'INSERT among what was deleted': () => `INSERT INTO with_deleted.patient_name FROM patient_name`,
  'DELETE of what was deleted': () => `DELETE FROM with_deleted.patient_name`,
  'CREATE TABLE among what was deleted': () => `CREATE TABLE with_deleted.t AS FROM patient_name`,
  'CREATE VIEW over what was deleted': () => `CREATE OR REPLACE VIEW with_deleted.patient_name AS SELECT 1`,
  'DROP of what was deleted': () => `DROP SCHEMA with_deleted CASCADE`,
  UPDATE: () => `UPDATE patient_name SET family = 'x'`,
  'DELETE in a CTE': () => `WITH x AS (DELETE FROM patient_name RETURNING *) FROM x`,
  MERGE: () => `MERGE INTO patient_name USING patient_name p ON true WHEN MATCHED THEN DELETE`,
  DROP: () => `DROP VIEW patient_name`,
  ALTER: () => `ALTER VIEW patient_name RENAME TO x`,
  COMMENT: () => `COMMENT ON VIEW patient_name IS 'x'`,
  TRUNCATE: () => `TRUNCATE patient_name`,
  VACUUM: () => `VACUUM`,
  ANALYZE: () => `ANALYZE`,
  'PREPARE and EXECUTE': ({ snap }) => `PREPARE p AS COPY (SELECT 1) TO '${snap}/new.csv'; EXECUTE p`,
  PREPARE: () => `PREPARE p AS SELECT 1`,
  EXECUTE: () => `EXECUTE p`,
  DEALLOCATE: () => `DEALLOCATE p`,
  BEGIN: () => `BEGIN`,
  COMMIT: () => `COMMIT`,
  CALL: () => `CALL pragma_version()`,
  'CALL of logging': ({ snap }) => `CALL enable_logging(storage_path = '${snap}/log')`,
  'two queries': () => `SELECT 1; SELECT 2`,
  'a sequence': () => `SELECT nextval('s')`,
  nothing: () => ``,
  'nothing but ends': () => ` ;; `,
}

const SETTINGS: Readonly<Record<string, Attack>> = {
  'SET of the sandbox': () => `SET enable_external_access = true`,
  'SET of the lock': () => `SET lock_configuration = false`,
  'SET of the folders': () => `SET allowed_directories = ['/']`,
  'SET of a variable': () => `SET VARIABLE stoker_lake = '/'`,
  'SET SESSION': () => `SET SESSION home_directory = '/'`,
  RESET: () => `RESET enable_external_access`,
  PRAGMA: () => `PRAGMA enable_profiling`,
  'PRAGMA with a value': () => `PRAGMA enable_external_access = true`,
  'USE of another database': () => `USE system`,
  'USE of its own': () => `USE memory`,
  'USE of what was deleted': () => `USE with_deleted`,
  'SET of the search path': () => `SET search_path = 'with_deleted'`,
  INSTALL: () => `INSTALL httpfs`,
  LOAD: () => `LOAD httpfs`,
  'FORCE INSTALL': ({ url }) => `FORCE INSTALL httpfs FROM '${url}'`,
  'LOAD of a file': ({ out }) => `LOAD '${out}/x.duckdb_extension'`,
  'UPDATE EXTENSIONS': () => `UPDATE EXTENSIONS`,
  'the environment': () => `SELECT getenv('STOKER_CANARY')`,
  'the environment, quoted': () => `SELECT "getenv"('STOKER_CANARY')`,
  'the environment, of a schema': () => `SELECT main.getenv('STOKER_CANARY')`,
  'the environment, in a lambda': () => `SELECT list_transform(['STOKER_CANARY'], lambda x: getenv(x))`,
  'a setting': () => `SELECT current_setting('allowed_directories')`,
  'all settings': () => `FROM duckdb_settings()`,
  'all settings, as PostgreSQL has them': () => `FROM pg_settings`,
  'all settings, of its schema': () => `FROM pg_catalog.pg_settings`,
  'all secrets': () => `FROM duckdb_secrets()`,
  'which secret': () => `FROM which_secret('s3://x', 's3')`,
  'the logs': () => `FROM duckdb_logs`,
  'the logs, by function': () => `FROM duckdb_logs()`,
  'the extensions': () => `FROM duckdb_extensions()`,
  'the files that were spilled': () => `FROM duckdb_temporary_files()`,
  'the cached files': () => `FROM duckdb_external_file_cache()`,
  'the other parser': () => `FROM enable_peg_parser()`,
}

const NETWORK: Readonly<Record<string, Attack>> = {
  'a URL as a table': ({ url }) => `FROM '${url}/x.csv'`,
  'read_csv of a URL': ({ url }) => `FROM read_csv('${url}/x.csv')`,
  'read_parquet of a URL': ({ url }) => `FROM read_parquet('${url}/x.parquet')`,
  'read_text of a URL': ({ url }) => `FROM read_text('${url}/x')`,
  'a bucket': () => `FROM 's3://bucket/x.parquet'`,
  'a data set of others': () => `FROM 'hf://datasets/x/y.csv'`,
  'ATTACH of a URL': ({ url }) => `ATTACH '${url}/x.duckdb'`,
  'an extension of a URL': ({ url }) => `INSTALL x FROM '${url}'`,
  'COPY to a URL': ({ url }) => `COPY (FROM patient_name) TO '${url}/x.csv'`,
}

describe.each([
  ['reads', READS],
  ['writes', WRITES],
  ['settings', SETTINGS],
  ['the network', NETWORK],
])('%s', (_what, attacks) => {
  test.each(Object.entries(attacks))('%s: refused', async (_name, attack) => {
    const sql = attack(places)
    for (const each of [reader, living]) {
      const error = await each.rows(sql).then(
        (rows) => expect.unreachable(`answered with ${JSON.stringify(rows)}`),
        (reason: unknown) => reason as Error & { code: string },
      )
      expect(error.code).toMatch(/^QUERY_(REFUSED|FAILED)$/)
      expect(`${error.message} ${String(error.cause)}`).not.toContain(CANARY)
      expect(await each.rows('SELECT count(*) AS n FROM patient_name')).toEqual([{ n: 2 }])
    }
  })
})

test('after all of it nothing was written, nothing asked of the network, and no file is there that was not', async () => {
  await reader.rows('FROM patient_name')
  const after = await fixture.everything()
  for (const path of after.keys()) if (basename(path).startsWith('query-')) after.delete(path)
  expect(after).toEqual(before)
  expect(requests).toBe(0)
  await expect(access(join(process.cwd(), 'x.csv'))).rejects.toThrow()
})

describe('a query that only talks about itself', () => {
  const HARMLESS = [
    'SELECT version()',
    'SHOW DATABASES',
    'FROM duckdb_columns()',
    'FROM information_schema.tables',
    'SELECT current_user, current_database(), current_schema()',
  ]
  test.each(HARMLESS)('tells nothing of this machine: %s', async (sql) => {
    const answer = JSON.stringify(await reader.rows(sql), (_key, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    )
    expect(answer).not.toContain(places.lake)
    expect(answer).not.toContain(CANARY)
  })

  test('is told of its own mistakes in words of DuckDB, without a path of this machine', async () => {
    const mistakes = [
      'FROM nowhere',
      'SELECT famly FROM patient_name',
      'SELECT family::DATE FROM patient_name',
      'SELEC',
    ]
    for (const sql of mistakes) {
      const error = (await reader.rows(sql).catch((reason: unknown) => reason)) as Error
      expect(error.message).toMatch(/^(Catalog|Binder|Conversion|Parser) Error: /)
      expect(error.message).not.toContain(places.lake)
    }
  })
})

describe('a text that is too much to be looked at', () => {
  test.each([
    ['10 MB of it', () => `SELECT 1 -- ${'x'.repeat(10 << 20)}`],
    ['a million numbers', () => `SELECT 1 IN (${Array.from({ length: 300_000 }, (_, i) => i).join(',')})`],
    ['parentheses', () => `SELECT ${'('.repeat(100_000)}1${')'.repeat(100_000)}`],
    ['lists in lists', () => `SELECT ${'['.repeat(100_000)}1${']'.repeat(100_000)}`],
    ['types in types', () => `SELECT NULL::INT${'[]'.repeat(100_000)}`],
    ['structs in structs', () => `SELECT NULL::${'STRUCT(a '.repeat(20_000)}INT${')'.repeat(20_000)}`],
    ['functions of functions', () => `SELECT ${'abs('.repeat(50_000)}1${')'.repeat(50_000)}`],
    ['signs', () => `SELECT ${'- '.repeat(200_000)}1`],
    ['sums', () => `SELECT 1${'+1'.repeat(200_000)}`],
    ['subqueries', () => `${'SELECT * FROM ('.repeat(20_000)}SELECT 1${')'.repeat(20_000)}`],
    ['cases', () => `SELECT ${'CASE WHEN true THEN '.repeat(20_000)}1${' END'.repeat(20_000)}`],
    ['CTEs of CTEs', () => `WITH ${cteChain(3000)} SELECT * FROM t2999`],
  ])('%s: refused, and nothing is harmed', async (_name, make) => {
    await expect(reader.rows(make())).rejects.toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^QUERY_(REFUSED|FAILED)$/) as string }),
    )
    expect(await reader.rows('SELECT 1 AS one')).toEqual([{ one: 1 }])
  })
})

function cteChain(length: number): string {
  return Array.from({ length }, (_, i) => `t${i} AS (SELECT ${i === 0 ? '1 AS a' : `* FROM t${i - 1}`})`).join(',')
}
