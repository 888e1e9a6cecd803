/** Whom or what `stoker purge` is told to take. */
import { StokerError } from '../core/errors.ts'
import { nearestName } from '../core/nearest-name.ts'
import type { PurgeSubject } from '../warehouse/purge/subject.ts'

export interface SubjectOptions {
  readonly patient?: string
  readonly resource?: string
  readonly source?: string
}

/**
 * @param sources that the lake has
 * @throws StokerError USAGE_PURGE when it is none, or several
 */
export function purgeSubject({ patient, resource, source }: SubjectOptions, sources: readonly string[]): PurgeSubject {
  const given = [patient, resource, source].filter((each) => each !== undefined)
  if (given.length !== 1) {
    throw new StokerError(
      'USAGE_PURGE',
      given.length === 0 ? 'nothing to purge is named' : 'more than one thing to purge',
      { hint: 'give one of --patient, --resource and --source' },
    )
  }
  if (source !== undefined) return { kind: 'source', source: known(source, sources) }
  if (patient !== undefined) {
    const [id, ...before] = patient.split('/').reverse()
    if (before[0] === 'Patient') before.shift()
    return keyed('patient', [id, 'Patient', ...before], sources)
  }
  return keyed('resource', resource!.split('/').reverse(), sources)
}

function keyed(
  kind: 'patient' | 'resource',
  [id, type, source, ...others]: readonly (string | undefined)[],
  sources: readonly string[],
): PurgeSubject {
  if (!id || !type || source === '' || others.length > 0 || !/^[A-Z][A-Za-z]*$/.test(type) || !ID.test(id)) {
    throw new StokerError('USAGE_PURGE', `no ${kind} is named like that`, {
      hint: kind === 'patient' ? 'give SOURCE/ID' : 'give SOURCE/Type/ID',
    })
  }
  if (source !== undefined) return { kind, source: known(source, sources), type, id }
  if (sources.length === 1) return { kind, source: sources[0]!, type, id }
  throw new StokerError('USAGE_PURGE', 'the lake has several sources: of which?', {
    hint: `put the name in front, as in ${sources[0] ?? 'SOURCE'}/…; it has: ${sources.join(', ')}`,
  })
}

/** As landing takes it. */
const ID = /^[A-Za-z0-9._:~-]{1,256}$/

function known(source: string, sources: readonly string[]): string {
  if (sources.includes(source)) return source
  const near = nearestName(source, sources)
  throw new StokerError('USAGE_UNKNOWN_SOURCE', `the lake has no source ${source}`, {
    hint: near === undefined ? `it has: ${sources.join(', ')}` : `did you mean ${near}? It has: ${sources.join(', ')}`,
  })
}
