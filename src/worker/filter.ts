/** What is asked of which server for a type, as text: a watermark counts only as long as it is the same. Pure. */
import type { Source } from './source.ts'

type Asked = Pick<Source, 'baseUrl' | 'level' | 'request' | 'manifestUrl'>

/** The same for the same question, in whatever order its filters and elements are written. */
export function filterOf({ baseUrl, level, request, manifestUrl }: Asked, type: string): string {
  return JSON.stringify({
    ...(manifestUrl === undefined ? { server: baseUrl, level: level.kind } : { published: manifestUrl }),
    ...(level.kind === 'group' ? { group: level.id } : {}),
    ...list('filters', filtersOf(request.typeFilters, type)),
    ...list('elements', elementsOf(request.elements, type)),
  })
}

/** Server and Group, as text: who is a member of another one says nothing. */
export function groupKey({ baseUrl, level }: Asked): string {
  return JSON.stringify({ server: baseUrl, group: level.kind === 'group' ? level.id : undefined })
}

/** The `_typeFilter`s of a type. */
export function filtersOf(typeFilters: readonly string[] = [], type: string): string[] {
  return typeFilters.filter((filter) => filter.startsWith(`${type}?`))
}

function elementsOf(elements: readonly string[] = [], type: string): string[] {
  return elements.filter((element) => !element.includes('.') || element.startsWith(`${type}.`))
}

function list(name: string, values: readonly string[]): Record<string, readonly string[]> {
  return values.length === 0 ? {} : { [name]: [...values].sort() }
}
