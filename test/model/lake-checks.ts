/** What must hold of a lake after every history, whatever happened in it. */
import { readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { sqlText } from '../../src/core/sql.ts'
import { rawRelation } from '../../src/store/raw-log.ts'
import type { Session } from '../../src/store/session.ts'
import type { ModelLake } from './model-lake.ts'
import { differences, rowsOf, viewTables } from './past.ts'

const WITHOUT_PLACE = '* EXCLUDE (_run, _file, _line)'

/** The tables against those of one full load, place in the raw log aside; `where` limits both. */
export async function tablesDiffer(lake: ModelLake, fresh: ModelLake, where = 'true'): Promise<string[]> {
  const problems: string[] = []
  const tables = await lake.using(viewTables)
  for (const table of tables) {
    const sql = `SELECT ${WITHOUT_PLACE} FROM main.${table} WHERE ${where}`
    const wanted = await fresh.using((session) => rowsOf(session, sql))
    problems.push(...differences(table, await lake.using((session) => rowsOf(session, sql)), wanted))
  }
  return problems
}

/** The books, the places of rows in the raw log, the published state and what lies about. */
export async function lakeProblems(lake: ModelLake): Promise<string[]> {
  const inside = await lake.using(async (session) => [
    ...(await booksProblems(session)),
    ...(await placeProblems(session, lake.lake)),
    ...(await snapshotProblems(session, lake.lake)),
  ])
  return [...inside, ...(await leftovers(lake))]
}

async function booksProblems(session: Session): Promise<string[]> {
  const wrong = await session.rows<{ file: number }>(
    `SELECT file FROM stoker.file WHERE state = 'landed' AND lines IS DISTINCT FROM resources + rejects + headers + blanks`,
  )
  const open = await session.rows<{ run: number; state: string }>(
    `SELECT run, state FROM stoker.run WHERE state NOT IN ('done', 'failed')`,
  )
  return [
    ...wrong.map(({ file }) => `the books of file ${file} do not balance`),
    ...open.map(({ run, state }) => `run ${run} is still ${state}`),
  ]
}

/** Each row of an index or a view table comes from the line of the raw log that it names. */
async function placeProblems(session: Session, lake: string): Promise<string[]> {
  const files = await session.rows<{ raw_path: string }>(
    `SELECT raw_path FROM stoker.file WHERE state = 'landed' AND raw_path IS NOT NULL AND kind = 'output' AND run IN (SELECT run FROM stoker.run WHERE state = 'done')`,
  )
  const raw = rawRelation(files.map((file) => join(lake, file.raw_path)))
  const key = `source || '/' || type || '/' || id`
  const places = [
    ...(await viewTables(session)).map(
      (table) => `SELECT '${table}' AS what, _resource_key AS key, _run, _file, _line FROM main.${table}`,
    ),
    `SELECT 'the index', ${key}, run, file, line FROM stoker.resource WHERE deleted_by IS NULL`,
  ]
  const lost = await rowsOf(
    session,
    `FROM (${places.join(' UNION ALL ')}) AS p ANTI JOIN (SELECT ${key} AS key, run AS _run, file AS _file, line AS _line FROM ${raw})
       USING (key, _run, _file, _line)`,
  )
  const doubled = await rowsOf(session, 'SELECT source, type, id FROM stoker.resource GROUP BY ALL HAVING count(*) > 1')
  return [
    ...lost.slice(0, 3).map((row) => `no line in the raw log for ${row}`),
    ...doubled.map((row) => `the index has twice ${row}`),
  ]
}

/** What a reader opens says what the worker's own tables say. */
async function snapshotProblems(session: Session, lake: string): Promise<string[]> {
  await session.run(`ATTACH ${sqlText(join(lake, 'catalog.duckdb'))} AS published (READ_ONLY)`)
  try {
    const problems: string[] = []
    for (const table of await viewTables(session)) {
      const published = await rowsOf(session, `FROM published.main.${table}`)
      problems.push(...differences(`the published ${table}`, published, await rowsOf(session, `FROM main.${table}`)))
    }
    return problems
  } finally {
    await session.run('DETACH published')
  }
}

async function leftovers(lake: ModelLake): Promise<string[]> {
  const entries = await readdir(lake.lake, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((each) => !each.isDirectory())
    .map((each) => relative(lake.lake, join(each.parentPath, each.name)))
  const known = await lake.using(async (session) => ({
    raw: (await session.rows<{ raw_path: string }>('SELECT raw_path FROM stoker.file WHERE raw_path IS NOT NULL')).map(
      (file) => file.raw_path,
    ),
    snapshots: (await session.rows<{ snapshot: number }>('SELECT snapshot FROM stoker.snapshot')).map(
      (each) => each.snapshot,
    ),
  }))
  const raw = new Set(known.raw)
  const folders = new Set(known.snapshots.map((number) => String(number).padStart(6, '0')))
  const isOdd = (path: string) => {
    const [top, second] = path.split('/')
    if (path.includes('.part') || top === 'staging' || top === 'temp') return true
    if (top === 'raw') return path.endsWith('.parquet') && !raw.has(path)
    return top === 'snapshots' && !folders.has(second!)
  }
  return paths.filter(isOdd).map((path) => `left over: ${path}`)
}
