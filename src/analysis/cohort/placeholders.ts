/** Where a SELECT has `$name`: outside texts, quoted names and comments. */

export interface Placeholder {
  /** Undefined for what has no name: `?` and `$1`. */
  readonly name: string | undefined
  readonly text: string
  /** In the SQL, from 0. */
  readonly offset: number
}

/** What is passed over as a whole, in the order in which it is tried. In E'it\'s' a backslash keeps a quote from ending it. */
const PASSED: readonly RegExp[] = [
  /[eE]'(?:[^'\\]|\\[^]|'')*'/y,
  /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y,
  /--[^\n]*/y,
  /'(?:[^']|'')*'/y,
  /"(?:[^"]|"")*"/y,
]
const NAMED = /\$([A-Za-z_]\w*)(?!\$)/y
const NAMELESS = /\?|\$\d+/y
const DOLLAR_QUOTE = /\$(?:[A-Za-z_]\w*)?\$/y

export function placeholders(sql: string): Placeholder[] {
  const found: Placeholder[] = []
  let at = 0
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at
    return pattern.exec(sql)
  }
  while (at < sql.length) {
    const quote = match(DOLLAR_QUOTE)?.[0]
    const place = quote === undefined ? (match(NAMED) ?? match(NAMELESS)) : null
    if (quote !== undefined) at = endOf(sql.indexOf(quote, at + quote.length), quote.length, sql)
    else if (place !== null) {
      found.push({ name: place[1], text: place[0], offset: at })
      at += place[0].length
    } else if (sql.startsWith('/*', at)) at = afterComment(sql, at)
    else at += PASSED.map(match).find((each) => each !== null)?.[0].length ?? 1
  }
  return found
}

/** The same SQL with `text` in place of each placeholder that has a name. */
export function withPlaceholders(sql: string, text: (name: string) => string): string {
  let written = ''
  let from = 0
  for (const { name, text: old, offset } of placeholders(sql)) {
    if (name === undefined) continue
    written += sql.slice(from, offset) + text(name)
    from = offset + old.length
  }
  return written + sql.slice(from)
}

/** What runs in the place of a placeholder. */
export function typedText(name: string, type: string): string {
  return `CAST($${name} AS ${type})`
}

/** Comments nest. */
function afterComment(sql: string, at: number): number {
  let depth = 0
  for (const { 0: mark, index } of sql.slice(at).matchAll(/\/\*|\*\//g)) {
    depth += mark === '/*' ? 1 : -1
    if (depth === 0) return at + index + mark.length
  }
  return sql.length
}

/** What never ends takes all the rest, and DuckDB will tell. */
function endOf(found: number, length: number, sql: string): number {
  return found < 0 ? sql.length : found + length
}
