/** What a run found odd, in a sentence for an operator. */
import type { FindingCode } from '../worker/findings.ts'
import { plural } from './figures.ts'

/** Values that a column of a view table lacks. */
export function lossText({ column, wanted, count }: { column: string; wanted: string; count: number }): string {
  const were = count === 1 ? 'was' : 'were'
  return `${column}: ${plural(count, 'value')} ${were} not ${WANTED[wanted] ?? wanted}`
}

const WANTED: Readonly<Record<string, string>> = { single: 'single: there are several where one was wanted' }

export function findingText({
  code,
  count,
  type,
}: {
  code: string
  count: number
  type?: string | null | undefined
}): string {
  const of = type == null ? '' : ` of ${type}`
  switch (code as FindingCode) {
    case 'COUNT_SHORT':
      return `a file${of} has ${plural(count, 'resource')} fewer than the server announced`
    case 'COUNT_OVER':
      return `a file${of} has ${plural(count, 'resource')} more than the server announced`
    case 'FILE_TWICE':
      return `the server listed a file${of} twice: it is loaded once`
    case 'TYPE_UNASKED':
      return `${plural(count, 'file')}${of} not fetched: the type was not asked for`
    case 'OLDER_THAN_SINCE':
      return `${plural(count, 'resource')}${of} not changed since what was asked for: the server may not heed _since`
    case 'OUTSIDE_FILTER':
      return `${plural(count, 'resource')}${of} outside the type filter: the server may not heed _typeFilter`
    case 'SUBSETTED':
      return `${plural(count, 'resource')}${of} came with some elements only (SUBSETTED): none takes the place of a whole one`
    case 'FORM':
      return `a file${of} was not NDJSON; it could be read all the same`
    case 'JOINED':
      return `${plural(count, 'patient')} joined the Group`
    case 'LEFT':
      return `${plural(count, 'patient')} left the Group`
  }
}
