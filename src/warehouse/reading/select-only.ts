/** What may be asked of a snapshot: one SELECT, judged by DuckDB's own syntax tree before anything of it is bound or run. */
import type { DuckDBConnection } from '@duckdb/node-api'
import { StokerError } from '../../core/errors.ts'

/** A list of ten thousand codes takes 150 kB; the syntax tree of a text takes thirty times its room. */
const CHARACTERS_MAX = 1 << 20

/**
 * The statement, without what ends it.
 *
 * The kind of a statement does not tell what it does: DuckDB has functions that a SELECT can call and that write a log
 * file (`enable_logging`), run another statement (`json_execute_serialized_sql`, `query`) or read memory at an address
 * (`arrow_scan`), some of them while they are bound, none of them held by `enable_external_access`. So the names are
 * looked at too, where the parser has found them: quotes, comments, dollar quotes and schemas in front hide nothing.
 * @param judge a connection of its own: only the text is parsed there
 * @throws StokerError QUERY_REFUSED for anything but one SELECT, or for what it may not name
 */
export async function mustBeSelect(judge: DuckDBConnection, sql: string): Promise<string> {
  const text = sql.trim().replace(/[;\s]+$/, '')
  if (text.length > CHARACTERS_MAX) throw refused(`the query has more than ${CHARACTERS_MAX} characters`)
  // To C, a text ends there: what is judged would not be what is run. A lone surrogate is no character at all.
  if (NO_TEXT.test(text)) throw refused('the query has characters that no text has')
  const statements = text === '' ? undefined : await judge.extractStatements(text)
  if (statements === undefined) throw notSelect('nothing')
  const select = text.replace(EXPLAIN, '')
  const tree = statements.count === 1 ? await treeOf(judge, select) : undefined
  if (tree === undefined) throw notSelect(kindOf(text, statements.count))
  refuseNames(tree)
  return text
}

const NO_TEXT = /\0|\p{Surrogate}/u

/** Words and nothing that could hide more of them: what follows is judged, and EXPLAIN ANALYZE runs it. */
const EXPLAIN = /^EXPLAIN\s+(?:ANALYZE\s+)?(?:\(\s*(?:ANALYZE\s*,\s*)?FORMAT\s+[a-z]+\s*\)\s*)?/i

/** Undefined for what is no SELECT. SHOW, DESCRIBE, SUMMARIZE, FROM, TABLE, VALUES and WITH are. */
async function treeOf(judge: DuckDBConnection, text: string): Promise<unknown> {
  const reader = await judge.runAndReadAll('SELECT json_serialize_sql($1::VARCHAR)', [text])
  const tree = JSON.parse(String(reader.getRows()[0]![0])) as {
    readonly error: boolean
    readonly statements?: unknown[]
  }
  return tree.error || tree.statements?.length !== 1 ? undefined : tree.statements
}

/** Only these functions make rows: none of them takes the name of a file, tells a setting or changes one. */
const TABLE_FUNCTIONS = new Set(
  `range generate_series unnest repeat repeat_row json_each json_tree summary duckdb_columns duckdb_tables duckdb_views
  duckdb_schemas duckdb_types duckdb_functions duckdb_keywords duckdb_constraints duckdb_indexes icu_calendar_names
  pg_timezone_names pragma_collations pragma_table_info pragma_show pragma_version test_all_types`.split(/\s+/),
)

/**
 * Settings and the environment; what runs or binds SQL given as text; what waits, writes a log or moves a sequence; and
 * functions for DuckDB's own use, which believe what they are given.
 */
const FUNCTIONS_REFUSED = new Set(
  `getenv current_setting set_config json_execute_serialized_sql json_serialize_plan query query_table sleep_ms pg_sleep
  write_log nextval currval setval combine finalize stats variant_bytes_to_variant`.split(/\s+/),
)
const INTERNAL = /^__/

/** Views over settings, logs and what others have prepared. */
const TABLES_REFUSED = new Set([
  'pg_settings',
  'pg_prepared_statements',
  'duckdb_logs',
  'duckdb_settings',
  'duckdb_secrets',
])

/** DuckDB takes the name of a table that is not there for that of a file, or of an address. */
const LIKE_A_FILE = /[./\\:*?[]/

/** Without recursion: a tree may be as deep as its text is long. */
function refuseNames(tree: unknown): void {
  const open: unknown[] = [tree]
  while (open.length > 0) {
    const node = open.pop()
    if (typeof node !== 'object' || node === null) continue
    if (Array.isArray(node)) for (const each of node) open.push(each)
    else {
      refuseNode(node)
      for (const each of Object.values(node)) if (typeof each === 'object') open.push(each)
    }
  }
}

interface SyntaxNode {
  readonly type?: unknown
  readonly function?: unknown
  readonly function_name?: unknown
  readonly table_name?: unknown
}

function refuseNode(node: SyntaxNode): void {
  if (node.type === 'TABLE_FUNCTION') {
    const name = String((node.function as SyntaxNode | null)?.function_name)
    if (!TABLE_FUNCTIONS.has(name.toLowerCase())) throw refused(`a query may not call ${name}()`)
  }
  if (typeof node.function_name === 'string') {
    const name = node.function_name.toLowerCase()
    if (FUNCTIONS_REFUSED.has(name) || INTERNAL.test(name))
      throw refused(`a query may not call ${node.function_name}()`)
  }
  if (typeof node.table_name === 'string') {
    const name = node.table_name
    if (LIKE_A_FILE.test(name)) throw refused(`a query reads tables, not the file ${name}`)
    if (TABLES_REFUSED.has(name.toLowerCase())) throw refused(`a query may not read ${name}`)
  }
}

function kindOf(text: string, statements: number): string {
  return statements > 1 && !/^PIVOT\b/i.test(text)
    ? 'several'
    : (KIND.exec(text)?.[1]?.toUpperCase() ?? 'another statement')
}

const KIND =
  /^(INSERT|UPDATE|DELETE|MERGE|TRUNCATE|CREATE|DROP|ALTER|COMMENT|COPY|ATTACH|DETACH|INSTALL|LOAD|SET|RESET|USE|CALL|PRAGMA|EXPORT|IMPORT|VACUUM|ANALYZE|CHECKPOINT|BEGIN|COMMIT|ROLLBACK|PREPARE|EXECUTE|DEALLOCATE|EXPLAIN|PIVOT)\b/i

function notSelect(what: string): StokerError {
  return new StokerError('QUERY_REFUSED', `a query is one SELECT, not ${what}`, {
    hint:
      what === 'PIVOT'
        ? 'name the values: PIVOT … ON column IN (…) is a SELECT'
        : 'a snapshot is only read. SELECT, FROM, WITH, SHOW, DESCRIBE, SUMMARIZE and EXPLAIN are understood; to change rows, work on a copy of them',
  })
}

function refused(message: string): StokerError {
  return new StokerError('QUERY_REFUSED', message, {
    hint: 'it reads the tables of its snapshot: no file, no network, no setting; SHOW TABLES lists them',
  })
}
