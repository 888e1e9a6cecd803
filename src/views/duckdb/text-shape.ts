/**
 * Text or not: from_json() makes text of whatever stands where text is due. An object or a list there is no text; but a
 * text may look like one ("[in_i]", JSON in a string), so the resource's own JSON decides.
 */

/**
 * SQL of `value` where it is text, else NULL. `json`: a name for the resource's JSON. One CASE in another: as one
 * condition, DuckDB would try its parts in any order, and a view take a tenth longer.
 */
export function textOnly(value: string, json: string): string {
  const isString = `contains(json(${json}), to_json(${value}))`
  return `CASE WHEN ${mayBeJson(value)} THEN CASE WHEN NOT json_valid(${value}) OR ${isString} THEN ${value} END ELSE ${value} END`
}

/** An object or a list as JSON, perhaps in a string. */
export function isJson(value: string): string {
  return `${mayBeJson(value)} AND json_valid(${value})`
}

/** Begins with `[` or `{`: one step for both, and false for nearly all values. */
function mayBeJson(value: string): string {
  return `(ascii(${value}) & 95) = 91`
}
