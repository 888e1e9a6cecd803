/** A `_typeFilter` as a condition on a resource's text, as far as a search can be judged without a server. Pure. */
import { sqlText } from '../core/sql.ts'

/**
 * Token searches on these elements (FHIR R4, "Search: token"): a code, a Coding or a CodeableConcept, one or several.
 * What else a filter may ask (dates, references, chains, modifiers) is the server's business.
 */
const ELEMENTS: Readonly<Record<string, string>> = {
  code: 'code',
  category: 'category',
  class: 'class',
  'clinical-status': 'clinicalStatus',
  gender: 'gender',
  intent: 'intent',
  status: 'status',
  type: 'type',
  'verification-status': 'verificationStatus',
}

/**
 * SQL over a column `json`; undefined where the filter asks something that can't be judged here.
 * @param filter `Type?name=value[,value…][&name=value…]`
 */
export function filterCondition(filter: string): string | undefined {
  const query = filter.slice(filter.indexOf('?') + 1)
  const conditions: string[] = []
  for (const [name, value] of new URLSearchParams(query)) {
    const element = Object.hasOwn(ELEMENTS, name) ? ELEMENTS[name] : undefined
    if (element === undefined || value === '') return undefined
    const tokens = value.split(/(?<!\\),/).map((token) => tokenCondition(element, token.replaceAll('\\,', ',')))
    if (tokens.some((token) => token === undefined)) return undefined
    conditions.push(`(${tokens.join(' OR ')})`)
  }
  return conditions.length === 0 ? undefined : conditions.join(' AND ')
}

/** `code`, `system|code` or `|code`. A `system|` alone is not judged. */
function tokenCondition(element: string, token: string): string | undefined {
  const bar = token.lastIndexOf('|')
  const code = token.slice(bar + 1)
  const system = bar > 0 ? token.slice(0, bar) : undefined
  if (code === '') return undefined
  const has = (path: string, value: string) =>
    `list_contains(coalesce(json_extract_string(json, ${sqlText(`$.${element}${path}`)}), []), ${sqlText(value)})`
  // A path with a wildcard gives a list, of nothing where there is nothing; one without gives a text.
  const plain = `coalesce(json_extract_string(json, ${sqlText(`$.${element}`)}) = ${sqlText(code)}, false)`
  const coding = `coalesce(json_extract_string(json, ${sqlText(`$.${element}.code`)}) = ${sqlText(code)}, false)`
  const paths = ['.coding[*]', '[*].coding[*]', '[*]']
  const codes = paths.map((path) =>
    system === undefined
      ? has(`${path}.code`, code)
      : `(${has(`${path}.code`, code)} AND ${has(`${path}.system`, system)})`,
  )
  return `(${[plain, coding, ...codes].join(' OR ')})`
}
