/** The text of a parameter: `NAME TYPE = DEFAULT  description`, and values as they are typed. */
import type { CohortParameter, ParameterType, ParameterValue } from './definition.ts'

/** Says what is wrong, and the way out. */
export interface Wrong {
  readonly message: string
  readonly wayOut: string
}

export const PARAMETER_SHAPE = '-- parameter NAME TYPE = DEFAULT  what it means'

const PARTS = /^(\S+)\s+([A-Za-z][A-Za-z0-9]*)\s*=\s*('(?:[^']|'')*'|[^'\s]\S*)(?:\s+(\S.*))?$/

/** @param text what stands after `parameter`, with its continued lines joined by a blank */
export function readParameter(text: string): CohortParameter | Wrong {
  const [, name, typeText, valueText, description] = PARTS.exec(text) ?? []
  if (name === undefined) return { message: 'is no parameter', wayOut: `write ${PARAMETER_SHAPE}` }
  if (!/^[a-z][a-z0-9_]*$/.test(name))
    return { message: `${name} is no name of a parameter`, wayOut: 'begin with a small letter; take a-z, 0-9 and _' }
  const type = TYPES[typeText!.toUpperCase()]
  if (type === undefined)
    return { message: `${typeText} is no type of a parameter`, wayOut: `take ${Object.keys(READ).join(', ')}` }
  const value =
    valueText!.toUpperCase() === 'NULL' ? null : READ[type](unquoted(valueText!), valueText!.startsWith("'"))
  if (value === undefined) return { message: `the default of ${name} is no ${type}`, wayOut: SHAPES[type] }
  if (description === undefined)
    return { message: `${name} has no description`, wayOut: 'say after its default what it means' }
  return { name, type, value, description }
}

/** A value as it is typed on a command line: a text without quotes, `null` for NULL. Undefined: it is not of that type. */
export function readValue(type: ParameterType, text: string): ParameterValue | undefined {
  return text.toLowerCase() === 'null' ? null : READ[type](text, type === 'VARCHAR')
}

const TYPES: Readonly<Record<string, ParameterType>> = {
  BOOLEAN: 'BOOLEAN',
  INTEGER: 'INTEGER',
  DOUBLE: 'DOUBLE',
  VARCHAR: 'VARCHAR',
  DATE: 'DATE',
}

export const SHAPES: Readonly<Record<ParameterType, string>> = {
  BOOLEAN: 'write true or false',
  INTEGER: 'write a whole number between -2147483648 and 2147483647',
  DOUBLE: 'write a number such as 9.5',
  VARCHAR: "write a text in single quotes, 'so'",
  DATE: 'write a day of the calendar as 2026-01-31',
}

const INTEGER_MAX = 2 ** 31 - 1

const READ: Readonly<Record<ParameterType, (text: string, isQuoted: boolean) => ParameterValue | undefined>> = {
  BOOLEAN: (text) => ({ true: true, false: false })[text.toLowerCase()],
  INTEGER: (text) => {
    const value = Number(text)
    return /^-?\d+$/.test(text) && value <= INTEGER_MAX && value >= -INTEGER_MAX - 1 ? value : undefined
  },
  DOUBLE: (text) => (/^-?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/.test(text) ? Number(text) : undefined),
  VARCHAR: (text, isQuoted) => (isQuoted ? text : undefined),
  DATE: (text) => {
    const at = /^\d{4}-\d{2}-\d{2}$/.test(text) ? new Date(`${text}T00:00:00Z`) : undefined
    // 2026-02-30 becomes another day.
    return at !== undefined && !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text) ? text : undefined
  },
}

function unquoted(text: string): string {
  return text.startsWith("'") ? text.slice(1, -1).replaceAll("''", "'") : text
}
