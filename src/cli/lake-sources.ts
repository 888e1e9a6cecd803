/** Sources named to a command that reads a lake. */
import { sourceNames } from '../app/config-lake.ts'
import { StokerError } from '../core/errors.ts'
import { nearestName } from '../core/nearest-name.ts'
import type { SnapshotQuestions } from '../http/ledger-question.ts'
import type { LakeOptions } from './lake-option.ts'

/**
 * The lake may have sources that the configuration no longer has, and lack those that were never run.
 * @throws StokerError USAGE_UNKNOWN_SOURCE for one that neither has
 */
export async function refuseUnknownSources(
  names: readonly string[],
  ledger: SnapshotQuestions,
  options: LakeOptions,
): Promise<void> {
  if (names.length === 0) return
  const inLake = (await ledger.sources()).map(({ source }) => source)
  const configured = options.lake === undefined ? ((await sourceNames(options.config)) ?? []) : []
  const known = [...new Set([...inLake, ...configured])]
  const unknown = names.find((name) => !known.includes(name))
  if (unknown === undefined) return
  const nearest = nearestName(unknown, known)
  const all = known.length === 0 ? 'nothing was run yet: stoker sync' : `it has: ${known.join(', ')}`
  throw new StokerError('USAGE_UNKNOWN_SOURCE', `the lake has no source ${unknown}`, {
    hint: nearest === undefined ? all : `did you mean ${nearest}? I${all.slice(1)}`,
  })
}
