/** What a value of the behaviour may be: small tests from which each step's table of checks is made. */

export interface Check {
  (value: unknown): boolean
  /** In words, as in `a number from 0 on`. */
  readonly takes: string
}

/** One check for every key of a behaviour. */
export type Checks<Behaviour> = Readonly<Record<keyof Behaviour, Check>>

function check(takes: string, test: (value: unknown) => boolean): Check {
  return Object.assign(test, { takes })
}

const isCount = (value: unknown) => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0

export const flag = check('true or false', (value) => typeof value === 'boolean')
export const text = check('a text', (value) => typeof value === 'string')
export const count = check('a whole number from 0 on', isCount)
export const positive = check('a whole number from 1 on', (value) => isCount(value) && value !== 0)

/** An HTTP status between the two, both included. */
export function status(low: number, high: number): Check {
  return check(
    `a status from ${low} to ${high}`,
    (value) => isCount(value) && (value as number) >= low && (value as number) <= high,
  )
}

export function oneOf(...values: readonly unknown[]): Check {
  return check(values.map((value) => JSON.stringify(value)).join(' or '), (value) => values.includes(value))
}

export function listOf(each: Check): Check {
  return check(`a list, each of it ${each.takes}`, (value) => Array.isArray(value) && value.every(each))
}

/** An object with any keys whose values pass. */
export function mapOf(each: Check): Check {
  return check(
    `an object, each of its values ${each.takes}`,
    (value) => isObject(value) && Object.values(value).every(each),
  )
}

export function nullOr(other: Check): Check {
  return check(`null or ${other.takes}`, (value) => value === null || other(value))
}

/** An object with exactly these keys; those in `optional` may be missing. */
export function shape(
  required: Readonly<Record<string, Check>>,
  optional: Readonly<Record<string, Check>> = {},
): Check {
  const known: Readonly<Record<string, Check>> = { ...required, ...optional }
  const keys = Object.entries(known).map(([key, { takes }]) => `"${key}"${key in required ? '' : '?'}: ${takes}`)
  return check(
    `{${keys.join(', ')}}`,
    (value) =>
      isObject(value) &&
      Object.keys(required).every((key) => key in value) &&
      Object.entries(value).every(([key, each]) => Object.hasOwn(known, key) && known[key]!(each)),
  )
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
