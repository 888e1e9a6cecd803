/** Where a byte of a SELECT stands in the YAML file that it is written in. */

interface LineColumn {
  readonly line: number
  readonly column: number
}

/**
 * Of a block (`|`) and of a text in one line each byte has its place; of a text that YAML folds only the beginning is known.
 * @param text of the whole file
 * @param start where YAML has the value
 * @param byte of the value's UTF-8 text; undefined: its first line
 */
export function sqlPlace(text: string, start: LineColumn, sql: string, byte: number | undefined): LineColumn {
  const lines = text.split(/\r?\n/)
  const head = lines[start.line - 1]?.slice(start.column - 1) ?? ''
  const place = placeIn(sql, byte ?? 0)
  if (head.startsWith('|')) {
    const block = lines.slice(start.line)
    const indent = /^ */.exec(block.find((line) => line.trim() !== '') ?? '')![0].length
    if (byte === undefined) return { line: start.line + 1, column: indent + 1 }
    return { line: start.line + place.line, column: indent + place.column }
  }
  const isPlain = head.startsWith(sql)
  const isQuoted = head.slice(1).startsWith(sql)
  if (byte === undefined || !(isPlain || isQuoted)) return start
  return { line: start.line, column: start.column + place.column - 1 + (isPlain ? 0 : 1) }
}

/** The same within the SELECT's own text. */
export function placeIn(sql: string, byte: number): LineColumn {
  const before = Buffer.from(sql).subarray(0, byte).toString('utf8').split('\n')
  return { line: before.length, column: before.at(-1)!.length + 1 }
}
