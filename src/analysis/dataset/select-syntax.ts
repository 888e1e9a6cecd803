/** What a SELECT of a definition may be: one that gives the same rows of the same tables every time, and reads nothing else. */
import { WITH_DELETED } from '../../warehouse/snapshot/living.ts'
import type { DatasetMistake } from './mistakes.ts'
import type { DatasetSelect } from './definition.ts'

/** A node of the tree that DuckDB's `json_serialize_sql` makes of a SELECT. */
type Node = Readonly<Record<string, unknown>>

interface Serialized {
  readonly error: boolean
  readonly error_type?: string
  readonly error_message?: string
  readonly position?: string
  readonly statements?: readonly Node[]
}

export interface SelectSyntax {
  /** Names of the tables it reads, in small letters; `cohort` may be among them. With what was deleted it is the same table. */
  readonly tables: readonly string[]
  readonly parameters: readonly string[]
  readonly mistakes: readonly DatasetMistake[]
}

/** Whatever else gives rows may be a file, the system, or other rows next time. */
const TABLE_FUNCTIONS: ReadonlySet<string> = new Set(['unnest', 'range', 'generate_series'])

/** Words that are functions where no column is named so. */
const CLOCK_WORDS: ReadonlySet<string> = new Set([
  'current_date',
  'current_time',
  'current_timestamp',
  'localtime',
  'localtimestamp',
])

/** DuckDB takes them for functions of their arguments alone, and they are not. */
const UNSTEADY: ReadonlySet<string> = new Set(['getvariable', 'current_user', 'user'])

/**
 * Settings and the environment; what runs SQL given as text; what waits, writes a log or moves a sequence; and functions
 * for DuckDB's own use, which believe what they are given.
 */
const REFUSED: ReadonlySet<string> = new Set(
  `getenv current_setting set_config json_execute_serialized_sql json_serialize_plan query query_table sleep_ms pg_sleep
  write_log nextval currval setval combine finalize stats variant_bytes_to_variant`.split(/\s+/),
)

/** DuckDB takes the name of a table that is not there for that of a file, or of an address. */
const LIKE_A_FILE = /[./\\:*?[]/

/** To C a text ends at the first of these: what is looked at would not be what is run. */
export const NO_TEXT = /\0|\p{Surrogate}/u

/**
 * @param serialized what `json_serialize_sql` answered
 * @param unsteady functions whose answer differs from call to call, or from day to day
 */
export function readSyntax(select: DatasetSelect, serialized: string, unsteady: ReadonlySet<string>): SelectSyntax {
  const { error, statements, ...failure } = JSON.parse(serialized) as Serialized
  const mistakes: DatasetMistake[] = []
  const say = (at: unknown, problem: string, wayOut: string) => {
    const byte = typeof at === 'number' && at <= Buffer.byteLength(select.sql) ? at : undefined
    mistakes.push({ ...select.place(byte), path: `${select.path}.sql`, problem, wayOut })
  }
  if (error) {
    const isSyntax = failure.error_type === 'parser'
    const at = failure.position === undefined ? undefined : Number(failure.position)
    if (isSyntax) say(at, sentence(failure.error_message ?? 'is no SQL'), 'Correct the SQL.')
    else say(undefined, 'is no SELECT', ONE_SELECT)
    return { tables: [], parameters: [], mistakes }
  }
  if (statements?.length !== 1) {
    say(undefined, `is ${statements?.length ? 'several statements' : 'empty'}`, ONE_SELECT)
    return { tables: [], parameters: [], mistakes }
  }
  const tables = new Set<string>()
  const parameters = new Set<string>()
  for (const { node, own } of nodesOf(statements[0]!)) {
    if (node.class === 'PARAMETER') parameters.add(String(node.identifier))
    if (node.type === 'BASE_TABLE') {
      const table = String(node.table_name).toLowerCase()
      const schema = String(node.schema_name).toLowerCase()
      if (!isOfSnapshot(String(node.catalog_name), schema, table)) {
        say(node.query_location, `${table} is no table of the snapshot`, 'SHOW TABLES in stoker query lists them.')
      } else if (schema !== '' || !isIn(own, table)) tables.add(schema === 'stoker' ? `stoker.${table}` : table)
    }
    if (node.type === 'TABLE_FUNCTION') {
      const called = node.function as Node | undefined
      const name = String(called?.function_name).toLowerCase()
      const wayOut = `Read tables of the snapshot; of functions, ${[...TABLE_FUNCTIONS].join(', ')} may give rows.`
      if (!TABLE_FUNCTIONS.has(name)) say(called?.query_location, `the function ${name} may not be read from`, wayOut)
    }
    if (node.type === 'SHOW_REF') say(node.query_location, 'describes tables', 'Select rows of them.')
    if (node.sample != null) {
      say(node.query_location, 'takes a random sample', 'Choose by a hash: WHERE md5_number(patient_key) % 10 = 0.')
    }
    const refused = node.class === 'FUNCTION' ? String(node.function_name).toLowerCase() : ''
    const clock = clockOf(node, unsteady)
    if (REFUSED.has(refused) || refused.startsWith('__')) {
      say(
        node.query_location,
        `the function ${refused} may not be called`,
        'A SELECT reads the snapshot and nothing else.',
      )
    } else if (clock !== undefined) say(node.query_location, `${clock} gives something else each time`, STEADY)
  }
  return { tables: [...tables].sort(), parameters: [...parameters].sort(), mistakes }
}

const ONE_SELECT = 'Give one SELECT: the snapshot is only read.'
const STEADY =
  'Built twice, a data set has the same bytes: use index_date, $data_until (up to when the tables are complete) or a parameter.'

/** Reads of the catalog tell of the machine; reads with a catalog's name reach past the snapshot. */
function isOfSnapshot(catalog: string, schema: string, table: string): boolean {
  const isOurs = catalog === '' && ['', 'main', 'stoker', WITH_DELETED].includes(schema)
  return isOurs && !/^(duckdb|sqlite|pragma|pg)_/.test(table) && !LIKE_A_FILE.test(table)
}

function clockOf(node: Node, unsteady: ReadonlySet<string>): string | undefined {
  if (node.class === 'COLUMN_REF') {
    const names = node.column_names as readonly string[]
    const word = names[0]!.toLowerCase()
    return names.length === 1 && CLOCK_WORDS.has(word) ? word : undefined
  }
  if (node.class !== 'FUNCTION') return undefined
  const name = String(node.function_name).toLowerCase()
  // With one argument it counts up to the day of the asking.
  const isAgeNow = name === 'age' && (node.children as readonly unknown[]).length === 1
  return unsteady.has(name) || UNSTEADY.has(name) || isAgeNow ? `${name}()` : undefined
}

/** Names that WITH gave, the innermost first. */
interface Scope {
  readonly name: string
  readonly outer: Scope | undefined
}

function isIn(scope: Scope | undefined, name: string): boolean {
  for (let each = scope; each !== undefined; each = each.outer) if (each.name === name) return true
  return false
}

interface Found {
  readonly node: Node
  /** What WITH has named where it stands. */
  readonly own: Scope | undefined
}

/**
 * Without recursion: a tree may be as deep as its text is long. In `WITH patient AS (FROM patient) FROM patient` the first
 * is a table; so a name is WITH's only behind its own SELECT, and for the step of a recursion.
 */
function nodesOf(tree: unknown): Found[] {
  const found: Found[] = []
  const open: { readonly value: unknown; readonly own: Scope | undefined }[] = [{ value: tree, own: undefined }]
  while (open.length > 0) {
    const { value, own: outer } = open.pop()!
    if (typeof value !== 'object' || value === null) continue
    const { cte_map: map, ...rest } = value as Node
    let own = outer
    for (const entry of (map as { map?: readonly { key: string }[] } | undefined)?.map ?? []) {
      open.push({ value: entry, own })
      own = { name: entry.key.toLowerCase(), outer: own }
    }
    if (!Array.isArray(value)) found.push({ node: value as Node, own })
    const ofStep = rest.type === 'RECURSIVE_CTE_NODE' ? { name: String(rest.cte_name).toLowerCase(), outer: own } : own
    for (const [key, each] of Object.entries(rest))
      if (typeof each === 'object') open.push({ value: each, own: key === 'right' ? ofStep : own })
  }
  return found
}

/** DuckDB's words as a part of a sentence of ours. */
export function sentence(words: string): string {
  const [first = ''] = words.split('\n')
  return first.replace(/[.!]+$/, '')
}
