/** `_typeFilter`: a search on one type, as far as the demo server understands searches. */
import type { FhirResource } from '../resource.ts'

export interface TypeFilter {
  readonly type: string
  /** True for a resource of the type that meets every criterion. */
  admits(resource: FhirResource): boolean
}

type Criterion = (resource: FhirResource) => boolean

const SEARCHES: Readonly<Record<string, (value: string) => Criterion>> = {
  code: tokenSearch(['code', 'vaccineCode', 'medicationCodeableConcept']),
  category: tokenSearch(['category']),
  status: tokenSearch(['status']),
  gender: tokenSearch(['gender']),
  date: dateSearch,
}

/** Undefined for a query without type, or with a search parameter other than code, category, status, gender, date. */
export function parseTypeFilter(query: string): TypeFilter | undefined {
  const [, type, search] = /^([A-Z][A-Za-z]+)\?(.+)$/.exec(query) ?? []
  if (type === undefined || search === undefined) return undefined
  const criteria: Criterion[] = []
  for (const [name, value] of new URLSearchParams(search)) {
    if (!Object.hasOwn(SEARCHES, name)) return undefined
    criteria.push(SEARCHES[name]!(value))
  }
  return {
    type,
    admits: (resource) => resource.resourceType === type && criteria.every((criterion) => criterion(resource)),
  }
}

/** `code`, `system|code` or `|code`; several with a comma between them are alternatives. */
function tokenSearch(elements: readonly string[]): (value: string) => Criterion {
  return (value) => {
    const wanted = value.split(',').map((word) => word.split('|') as [string, string?])
    return (resource) =>
      elements
        .flatMap((element) => codings(resource[element]))
        .some(({ system, code }) =>
          wanted.some(([first, second]) =>
            second === undefined ? code === first : code === second && (system ?? '') === first,
          ),
        )
  }
}

interface Coding {
  readonly system?: string
  readonly code?: string
}

/** Of a code, a Coding, a CodeableConcept, or a list of these. */
function codings(value: unknown): readonly Coding[] {
  if (typeof value === 'string') return [{ code: value }]
  if (Array.isArray(value)) return value.flatMap(codings)
  if (typeof value !== 'object' || value === null) return []
  const { coding } = value as { coding?: unknown }
  return Array.isArray(coding) ? (coding as Coding[]) : [value]
}

/** What the search parameter `date` means, in the types that have it. */
const DATE_ELEMENTS: readonly string[] = [
  'effectiveDateTime',
  'effectivePeriod',
  'performedDateTime',
  'performedPeriod',
  'occurrenceDateTime',
  'period',
  'date',
  'created',
  'recordedDate',
]

interface Span {
  readonly startMs: number
  /** The first instant after it. */
  readonly endMs: number
}

/** A date or dateTime of any precision after `ge`, `le`, `gt`, `lt`, `eq` or nothing. */
function dateSearch(value: string): Criterion {
  const [, prefix = 'eq', text = ''] = /^(eq|ge|le|gt|lt)?(.*)$/.exec(value) ?? []
  const asked = textSpan(text)
  const meets: Readonly<Record<string, (span: Span) => boolean>> = {
    eq: ({ startMs, endMs }) => startMs >= asked.startMs && endMs <= asked.endMs,
    ge: ({ endMs }) => endMs > asked.startMs,
    gt: ({ endMs }) => endMs > asked.endMs,
    le: ({ startMs }) => startMs < asked.endMs,
    lt: ({ startMs }) => startMs < asked.startMs,
  }
  return (resource) =>
    DATE_ELEMENTS.map((element) => resource[element])
      .filter((each) => each !== undefined)
      .slice(0, 1)
      .some((each) => meets[prefix]!(elementSpan(each)))
}

function elementSpan(value: unknown): Span {
  if (typeof value === 'string') return textSpan(value)
  const { start, end } = value as { start?: string; end?: string }
  return {
    startMs: start === undefined ? -Infinity : textSpan(start).startMs,
    endMs: end === undefined ? Infinity : textSpan(end).endMs,
  }
}

/** `2026` is the whole year, `2026-03` the month, `2026-03-01` the day, in UTC; anything longer one millisecond. */
function textSpan(text: string): Span {
  const [year = Number.NaN, month, day, more] = text.split(/[-T]/).map(Number)
  if (more !== undefined) return { startMs: Date.parse(text), endMs: Date.parse(text) + 1 }
  const startMs = Date.UTC(year, (month ?? 1) - 1, day ?? 1)
  if (day !== undefined) return { startMs, endMs: startMs + 86_400_000 }
  return { startMs, endMs: month === undefined ? Date.UTC(year + 1, 0) : Date.UTC(year, month) }
}
