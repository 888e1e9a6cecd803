/** What a value of the behaviour may be: small tests from which each step's table of checks is made. */

export type Check = (value: unknown) => boolean

/** One check for every key of a behaviour. */
export type Checks<Behaviour> = Readonly<Record<keyof Behaviour, Check>>

export const flag: Check = (value) => typeof value === 'boolean'
export const text: Check = (value) => typeof value === 'string'
export const count: Check = (value) => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0

/** An HTTP status between the two, both included. */
export function status(low: number, high: number): Check {
  return (value) => count(value) && (value as number) >= low && (value as number) <= high
}

export function oneOf(...values: readonly unknown[]): Check {
  return (value) => values.includes(value)
}

export function listOf(check: Check): Check {
  return (value) => Array.isArray(value) && value.every(check)
}

/** An object with any keys whose values pass. */
export function mapOf(check: Check): Check {
  return (value) => isObject(value) && Object.values(value).every(check)
}

export function nullOr(check: Check): Check {
  return (value) => value === null || check(value)
}

/** An object with exactly these keys; those in `optional` may be missing. */
export function shape(
  required: Readonly<Record<string, Check>>,
  optional: Readonly<Record<string, Check>> = {},
): Check {
  const known: Readonly<Record<string, Check>> = { ...required, ...optional }
  return (value) =>
    isObject(value) &&
    Object.keys(required).every((key) => key in value) &&
    Object.entries(value).every(([key, each]) => Object.hasOwn(known, key) && known[key]!(each))
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
