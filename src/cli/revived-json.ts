/** What came as JSON, as it was before: instants as dates, and keys as they are written in code. */

/** Columns of instants in the ledger are named for it, but for these. */
const INSTANTS: ReadonlySet<string> = new Set(['transaction_time', 'last_updated', 'watermark'])

/** Rows of the ledger: texts under names of instants become dates; keys stay. */
export function instantsRevived(value: unknown): unknown {
  return revived(value, (name) => name)
}

/** Events: keys in camelCase, and the same with instants. */
export function camelRevived(value: unknown): unknown {
  return revived(value, camelCase)
}

function revived(value: unknown, named: (name: string) => string): unknown {
  if (Array.isArray(value)) return value.map((each) => revived(each, named))
  if (typeof value !== 'object' || value === null) return value
  const pairs = Object.entries(value).map(([name, each]) => {
    const isInstant = typeof each === 'string' && (name === 'at' || name.endsWith('_at') || INSTANTS.has(name))
    return [named(name), isInstant ? new Date(each) : revived(each, named)] as const
  })
  return Object.fromEntries(pairs)
}

/** Of names that begin with a capital (`Patient`), or in another way than ours, nothing changes. */
function camelCase(name: string): string {
  if (!/^[a-z][a-z0-9]*(?:_[a-z][a-z0-9]*)+$/.test(name)) return name
  return name.replaceAll(/_([a-z])/g, (_all, letter: string) => letter.toUpperCase())
}
