/** How the demo server departs from the plain way: every fault and limit is a value here that a step consults. */
import { StokerError } from '../core/errors.ts'

export interface DemoBehaviour {
  /** Status polls answered 202 before the manifest. */
  pollsBeforeDone: number
  /** `Retry-After` of a 202. */
  retryAfterSeconds: number
  /** Speed of each download, counted as it leaves (compressed or not); 0 for no limit. */
  downloadBytesPerSecond: number
  /**
   * Per type, lines put as they are into the first file of that type, the first of them as its second line; into every
   * export, even if nothing else is in the file. Not counted.
   */
  malformedLines: Readonly<Record<string, readonly string[]>>
  /** Empty lines put into every file, the first of them before its first line. */
  blankLines: number
  /** Whether downloads are compressed for a client that accepts gzip. */
  gzip: boolean
  /** Whether an export with `_since` tells what was deleted. */
  deletes: 'reported' | 'never'
  /** A type's resources are divided among this many files, fewer if there are fewer resources. */
  filesPerType: number
  /** No file holds more resources than this; 0 for no limit. */
  maxLinesPerFile: number
}

export const PLAIN_BEHAVIOUR: Readonly<DemoBehaviour> = {
  pollsBeforeDone: 1,
  retryAfterSeconds: 1,
  downloadBytesPerSecond: 0,
  malformedLines: {},
  blankLines: 0,
  gzip: true,
  deletes: 'reported',
  filesPerType: 1,
  maxLinesPerFile: 0,
}

type Check = (value: unknown) => boolean
const count: Check = (value) => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
const lines: Check = (value) => Array.isArray(value) && value.every((line) => typeof line === 'string')

const CHECKS: Readonly<Record<keyof DemoBehaviour, Check>> = {
  pollsBeforeDone: count,
  retryAfterSeconds: count,
  downloadBytesPerSecond: count,
  malformedLines: (value) => typeof value === 'object' && value !== null && Object.values(value).every(lines),
  blankLines: count,
  gzip: (value) => typeof value === 'boolean',
  deletes: (value) => value === 'reported' || value === 'never',
  filesPerType: (value) => count(value) && value !== 0,
  maxLinesPerFile: count,
}

/** The checked form of JSON that came over the control endpoint. Throws DEMO_BEHAVIOUR_INVALID naming the key. */
export function parseBehaviour(json: unknown): Partial<DemoBehaviour> {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw invalid('a JSON object is needed')
  for (const [key, value] of Object.entries(json)) {
    if (!Object.hasOwn(CHECKS, key)) throw invalid(`there is no "${key}"; known are ${Object.keys(CHECKS).join(', ')}`)
    if (!CHECKS[key as keyof DemoBehaviour](value)) throw invalid(`"${key}" has a value it cannot take`)
  }
  return json
}

function invalid(what: string): StokerError {
  return new StokerError('DEMO_BEHAVIOUR_INVALID', `The behaviour is not usable: ${what}.`)
}
