/** A value that SQL text needs several times, computed once. */

/** A column, an element of one, a literal: free to repeat. */
const SIMPLE = /^(?:[\w$]+|"[^"]+"|\.|\[-?\d+\])+$|^'(?:[^']|'')*'$/

/**
 * SQL of what `use` makes of the value. DuckDB finds equal expressions again in a SELECT list, but not inside CASE or a
 * lambda; a list of one item binds the value to a name there.
 */
export function once(sql: string, use: (value: string) => string): string {
  if (SIMPLE.test(sql)) return use(sql)
  let depth = 0
  while (sql.includes(`__v${depth}`)) depth++
  const name = `__v${depth}`
  return `list_transform([${sql}], lambda ${name}: ${use(name)})[1]`
}
