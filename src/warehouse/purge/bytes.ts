/** The search for bytes: in every file of the lake that is no Parquet. */
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { sqlName, sqlText } from '../../core/sql.ts'
import type { Session } from '../../store/session.ts'
import type { Lake } from '../lake.ts'
import { goneIndexRows, goneRows } from './gone.ts'
import type { Scanned } from './proof.ts'
import { subjectKey, type PurgeSubject } from './subject.ts'

/** What bytes are searched for, and where finding it would tell nothing. */
export interface Needle {
  readonly what: 'key' | 'id'
  /** It stands everywhere by chance: it is not searched for. */
  readonly isTooShort: boolean
  /**
   * Rows of the database that stay and have it within them, by table: a longer key, the same id of another source, a text
   * that names it. Where there are any, the database is not searched for it.
   */
  readonly ofOthers: Readonly<Record<string, number>>
}

/** In 1 TB of random bytes, eight certain ones in a row are found once in seventeen million times. */
const TELLING_BYTES = 8

/** Tables of the purge itself: cleared when it is done. */
const OWN = ['purge', 'purge_key', 'purge_line']

/** To be called when the rows are gone, and `purge_key` still says whose they were. */
export async function needlesOf(session: Session, purge: number, subject: PurgeSubject): Promise<Needle[]> {
  const whats: Needle['what'][] = subject.kind === 'source' ? ['key'] : ['key', 'id']
  const ofOthers = { key: {} as Record<string, number>, id: {} as Record<string, number> }
  const tables = await session.rows<{ schema: string; name: string; columns: string[] }>(
    `SELECT schema_name AS schema, table_name AS name, list(column_name ORDER BY column_index) AS columns
     FROM duckdb_columns() SEMI JOIN duckdb_tables() USING (database_name, schema_name, table_name)
     WHERE database_name = current_database() AND regexp_matches(data_type, 'VARCHAR|JSON') GROUP BY ALL ORDER BY ALL`,
  )
  for (const { schema, name, columns } of tables) {
    if (schema === 'stoker' && OWN.includes(name)) continue
    const isIndex = schema === 'stoker' && ['resource', 'resource_past'].includes(name)
    const gone = schema === 'main' ? goneRows(purge, subject) : isIndex ? goneIndexRows(purge, subject) : 'false'
    const counts = whats.map((what) => {
      const pattern = sqlText(patternOf(subject, what))
      const has = columns.map((column) => {
        const text = `${sqlName(column)}::VARCHAR`
        // A pattern takes some six times as long as plain text: few rows are to come to it.
        return `(contains(${text}, ${sqlText(plainPart(subject, what))}) AND regexp_matches(${text}, ${pattern}))`
      })
      return `count(*) FILTER (${has.join(' OR ')}) AS ${what}`
    })
    const row = await session.first<Record<Needle['what'], number>>(
      `SELECT ${counts.join(', ')} FROM ${sqlName(schema)}.${sqlName(name)} WHERE (${gone}) IS NOT TRUE`,
    )
    for (const what of whats) if (row![what] > 0) ofOthers[what][`${schema}.${name}`] = row![what]
  }
  return whats.map((what) => ({
    what,
    isTooShort: what === 'id' && subject.kind !== 'source' && subject.id.length < TELLING_BYTES,
    ofOthers: ofOthers[what],
  }))
}

/** A regular expression for RE2 as for JavaScript. */
function patternOf(subject: PurgeSubject, what: Needle['what']): string {
  // A path or a URL may have a source's name in it: a key begins with it, and goes on with a type and an id.
  if (subject.kind === 'source') return `(?:^|[^/])${subject.source}/[A-Z][A-Za-z]{1,40}/[A-Za-z0-9]`
  return plainPart(subject, what).replaceAll('.', '\\.')
}

function plainPart(subject: PurgeSubject, what: Needle['what']): string {
  if (subject.kind === 'source') return `${subject.source}/`
  return what === 'key' ? subjectKey(subject) : subject.id
}

/**
 * Looks for the key and the id in the database file, which has deleted rows in free blocks until it is written anew, its log,
 * what was spilled, catalogs, manifests, rejects. DuckDB keeps strings back to back: nothing tells there where one ends, so
 * that a longer one is found too. What DuckDB has compressed is not seen. The database must be closed.
 */
export async function searchFiles(lake: Lake, subject: PurgeSubject, needles: readonly Needle[]): Promise<Scanned> {
  let found = 0
  let scanned = 0
  for (const each of await readdir(lake.root, { recursive: true, withFileTypes: true })) {
    if (!each.isFile() || each.name.endsWith('.parquet')) continue
    const path = join(each.parentPath, each.name)
    const [top = '', second = ''] = relative(lake.root, path).split(sep)
    // Of queries under way: see clearSpills.
    if (top === 'temp' && second.startsWith('query-')) continue
    scanned += 1
    const hasRows = top.startsWith('warehouse.duckdb') || top === 'temp'
    // Files as servers sent them have ids alone. What is staged is other sources', since none of this one's runs is open.
    const isOfOthers = top === 'staging' || (top === 'raw' && second !== subject.source)
    const telling = needles.filter(
      ({ what, isTooShort, ofOthers }) =>
        !isTooShort && !(hasRows && Object.keys(ofOthers).length > 0) && !(isOfOthers && what === 'id'),
    )
    if (telling.length === 0) continue
    const wanted = telling.map(({ what }) => patternOf(subject, what)).join('|')
    const isText = /\.(nd)?json$/.test(each.name)
    const pattern = isText ? `(?<![A-Za-z0-9._~-])(?:${wanted})(?![A-Za-z0-9_~-])` : wanted
    found += await occurrences(path, new RegExp(pattern, 'g'))
  }
  return { place: 'files', scanned, found }
}

/** Longer than any key. */
const OVERLAP = 1024

/** Memory: a chunk, and the end of the one before, where a key may begin. */
async function occurrences(path: string, pattern: RegExp): Promise<number> {
  let found = 0
  let text = ''
  let from = 0
  const chunks = createReadStream(path, { encoding: 'latin1', highWaterMark: 1 << 20 }) as AsyncIterable<string>
  for await (const chunk of chunks) {
    text += chunk
    const until = text.length - OVERLAP
    if (until <= from) continue
    found += countWithin(text, pattern, from, until)
    // One character more, to see what stands in front.
    text = text.slice(until - 1)
    from = 1
  }
  return found + countWithin(text, pattern, from, text.length)
}

function countWithin(text: string, pattern: RegExp, from: number, until: number): number {
  return [...text.matchAll(pattern)].filter(({ index }) => index >= from && index < until).length
}
