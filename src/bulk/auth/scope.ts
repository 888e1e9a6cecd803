/** SMART scopes: which of them are in which. Pure. */

interface Scope {
  readonly context: string
  /** A type, or `*`. */
  readonly resource: string
  /** Letters of c, r, u, d, s. */
  readonly actions: string
}

/**
 * Whether one of the scopes offered gives what `asked` asks for: `system/*.rs` gives `system/Patient.read`. A scope that is
 * no clinical one (`openid`) is given by itself alone.
 */
export function scopeCovers(offered: readonly string[], asked: string): boolean {
  if (offered.includes(asked)) return true
  const wanted = parseScope(asked)
  return wanted !== undefined && offered.some((each) => covers(parseScope(each), wanted))
}

function covers(offered: Scope | undefined, wanted: Scope): boolean {
  return (
    offered !== undefined &&
    offered.context === wanted.context &&
    (offered.resource === '*' || offered.resource === wanted.resource) &&
    [...wanted.actions].every((letter) => offered.actions.includes(letter))
  )
}

/** Version 1 says read, write or *; version 2 says letters (SMART App Launch 2.2, "Scopes for requesting FHIR Resources"). */
const ACTIONS: Readonly<Record<string, string>> = { read: 'rs', write: 'cud', '*': 'cruds' }

function parseScope(text: string): Scope | undefined {
  const match = /^(system|user|patient)\/(\*|[A-Za-z]+)\.(read|write|\*|c?r?u?d?s?)(\?.*)?$/.exec(text)
  if (match === null) return undefined
  const [, context = '', resource = '', permission = ''] = match
  return { context, resource, actions: ACTIONS[permission] ?? permission }
}
