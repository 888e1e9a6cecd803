/**
 * DuckDB reads every JSON number as a double, even into JSON or VARCHAR: 1.50 comes out as 1.5, digits beyond the 17th
 * are lost. Where a view wants a decimal's digits, numbers get quotes first, in those texts only that need it.
 */

/**
 * A number that a double does not give back as written: a trailing zero behind the point, an exponent or what DuckDB
 * would write with one, 15 digits or more. A string that looks so costs time only.
 */
const LOSSY = String.raw`[:\[,]\s*-?(?:[0-9]+\.[0-9]*0[,}\]\s]|[0-9]+\.?[0-9]*[eE]|0\.000|[0-9][0-9.]{14})`

/**
 * Each match goes on where the last one ended: strings as wholes and all else up to the next number. A sentinel
 * number at the end makes sure that the last match reaches it; else RE2 would go on looking inside strings.
 */
const NUMBER = String.raw`((?:"(?:[^"\\]|\\.)*"|[^"0-9-])*)(-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)`

/** SQL of the JSON text `json` with its numbers as strings, where needed. */
export function exactNumbers(json: string): string {
  const text = `CAST(${json} AS VARCHAR)`
  const quoted = `regexp_replace(${text} || ' 0', '${NUMBER}', '\\1"\\2"', 'g')`
  return `CASE WHEN regexp_matches(${text}, '${LOSSY}') THEN ${quoted}[:-5] ELSE ${text} END`
}
