/** What a run found odd, in a sentence for an operator. */
import type { FindingCode } from './findings.ts'
import { plural } from '../core/figures.ts'

/** Values that a view table lacks. */
export function lossText({ place, wanted, count }: { place: string; wanted: string; count: number }): string {
  const [one, several] = WANTED[wanted] ?? [wanted, wanted]
  return `${place}: ${plural(count, 'value')} ${count === 1 ? `was not ${one}` : `were not ${several}`}`
}

/** What one value was not, and what several were not. */
const WANTED: Readonly<Record<string, readonly [one: string, several: string]>> = {
  dates: ['a date', 'dates'],
  times: ['a time', 'times'],
  instants: ['an instant', 'instants'],
  numbers: ['a number', 'numbers'],
  'whole numbers': ['a whole number', 'whole numbers'],
  lists: ['a list', 'lists'],
  objects: ['an object', 'objects'],
  single: ['single', 'single'],
}

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
