/** Sources named on the command line. */
import type { Config } from '../app/config.ts'
import { shownPath } from '../app/shown-path.ts'
import { nearestName } from '../core/nearest-name.ts'
import { StokerError } from '../core/errors.ts'

/**
 * The names of the sources that are meant: all of the configuration when none is given.
 * @param former that may be named, though the configuration no longer has them
 * @throws StokerError USAGE_UNKNOWN_SOURCE
 */
export function chosenSources(
  names: readonly string[],
  config: Config,
  former: readonly string[] = [],
): readonly string[] {
  const known = config.sources.map((source) => source.name)
  const unknown = names.filter((name) => !known.includes(name) && !former.includes(name))
  if (unknown.length === 0) return names.length === 0 ? known : names
  const nearest = nearestName(unknown[0]!, known)
  throw new StokerError('USAGE_UNKNOWN_SOURCE', `${shownPath(config.file)} has no source ${unknown.join(', ')}`, {
    hint:
      nearest === undefined ? `it has: ${known.join(', ')}` : `did you mean ${nearest}? It has: ${known.join(', ')}`,
  })
}
