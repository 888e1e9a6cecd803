/** What an export asked for, in words for those who are told of it: an address and its parameters, and nobody's id. */
import { exportPath } from '../bulk/export/parameters.ts'
import type { ExportRecord } from '../ledger/exports.ts'
import type { Source } from './source.ts'

export interface Asked {
  readonly url: string
  readonly parameters: Readonly<Record<string, string>>
}

/**
 * As it was planned.
 * @param sentUrl as it was sent, where it was: its query is what was asked, and no secret
 * @param leftOut parameters that this kind of server does not read
 */
export function askedOf(
  source: Pick<Source, 'baseUrl' | 'level' | 'manifestUrl'>,
  { types, since, request }: Pick<ExportRecord, 'types' | 'since' | 'request'>,
  sentUrl?: string,
  leftOut: readonly string[] = [],
): Asked {
  // Of a published manifest the query may be a signature, and nothing is asked.
  if (source.manifestUrl !== undefined) return { url: source.manifestUrl.replace(/[?#].*$/, ''), parameters: {} }
  const { elements, typeFilters, includeAssociatedData, organizeOutputBy, allowPartialManifests } = request
  const all: Readonly<Record<string, readonly string[] | string | boolean | null | undefined>> = {
    _type: types,
    _since: since,
    _elements: elements,
    _typeFilter: typeFilters,
    includeAssociatedData,
    organizeOutputBy,
    allowPartialManifests,
  }
  const said = Object.entries(all).filter(
    ([name, value]) => value !== null && value !== undefined && String(value) !== '' && !leftOut.includes(name),
  )
  return {
    url: sentUrl ?? new URL(exportPath(source.level), source.baseUrl).href,
    parameters: Object.fromEntries(said.map(([name, value]) => [name, String(value)])),
  }
}
