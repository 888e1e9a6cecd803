/** The structure of JSON texts, as DuckDB's json_group_structure tells it: objects by key, lists of one shape, names of types. Pure. */

export type Shape = string | readonly [Shape] | { readonly [key: string]: Shape }

/** What both have; where they differ in kind the text itself will have to do. */
export function mergeShapes(one: Shape, other: Shape): Shape {
  if (one === 'NULL') return other
  if (other === 'NULL') return one
  if (isList(one) && isList(other)) return [mergeShapes(one[0], other[0])]
  if (!isObject(one) || !isObject(other)) return TEXT
  const keys = new Set([...Object.keys(one), ...Object.keys(other)])
  return Object.fromEntries([...keys].map((key) => [key, mergeShapes(one[key] ?? 'NULL', other[key] ?? 'NULL')]))
}

/**
 * The structure for from_json(), its keys in one order and every scalar as its text: of equal contents it makes equal values.
 * Undefined where DuckDB has no such structure: keys that differ only in case, or have no name.
 */
export function structOf(shape: Shape): Shape | undefined {
  if (isList(shape)) {
    const item = structOf(shape[0])
    return item === undefined ? undefined : [item]
  }
  if (!isObject(shape)) return TEXT
  const keys = Object.keys(shape).sort()
  if (keys.includes('') || new Set(keys.map((key) => key.toLowerCase())).size < keys.length) return undefined
  if (keys.length === 0) return TEXT
  const entries = keys.map((key) => [key, structOf(shape[key]!)] as const)
  return entries.some(([, value]) => value === undefined) ? undefined : (Object.fromEntries(entries) as Shape)
}

const TEXT = 'JSON'

function isList(shape: Shape): shape is readonly [Shape] {
  return Array.isArray(shape)
}

function isObject(shape: Shape): shape is { readonly [key: string]: Shape } {
  return typeof shape === 'object' && !Array.isArray(shape)
}
