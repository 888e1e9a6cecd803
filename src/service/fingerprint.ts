/** Whether two parts of a configuration say the same, secrets included. */
import { createHash } from 'node:crypto'
import { Secret } from '../app/secret.ts'

/** Equal for equal values; a secret stands in it by its hash. */
export function fingerprint(value: unknown): string {
  return (
    JSON.stringify(value, function (this: Record<string, unknown>, key, shown: unknown) {
      const each = this[key]
      return each instanceof Secret ? createHash('sha256').update(each.reveal()).digest('hex') : shown
    }) ?? 'undefined'
  )
}
