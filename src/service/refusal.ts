/** What the worker says to whom it can not do the will of. */
import { StokerError } from '../core/errors.ts'

export function unknownSource(source: string): StokerError {
  return new StokerError('SOURCE_UNKNOWN', `there is no source ${source}`, {
    hint: 'GET /api/sources lists those of the configuration; one that is new in it is known after a reload',
    facts: { source },
  })
}
