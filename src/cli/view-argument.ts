/** Views named on the command line. */
import { StokerError } from '../core/errors.ts'
import { nearestName } from '../core/nearest-name.ts'
import { plural } from '../core/figures.ts'

/** @throws StokerError USAGE_UNKNOWN_VIEW */
export function refuseUnknownViews(names: readonly string[], known: readonly string[]): void {
  const unknown = names.find((name) => !known.includes(name))
  if (unknown === undefined) return
  const nearest = nearestName(unknown, known)
  throw new StokerError('USAGE_UNKNOWN_VIEW', `there is no view ${unknown}`, {
    hint: `${nearest === undefined ? '' : `did you mean ${nearest}? `}It is one of ${plural(known.length, 'view')}: stoker views list`,
  })
}
