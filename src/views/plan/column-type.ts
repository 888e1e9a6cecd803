/** The type of a column, in no dialect's words: from its FHIR type, or from a tag that asks for another. */
import { ViewError } from '../view-error.ts'

export type ColumnType =
  | {
      readonly base:
        'text' | 'boolean' | 'integer' | 'long' | 'double' | 'date' | 'time' | 'timestamp' | 'instant' | 'binary'
    }
  /** `digits` in all, `scale` of them behind the point. */
  | { readonly base: 'decimal'; readonly digits: number; readonly scale: number }

const TEXT: ColumnType = { base: 'text' }
const BOOLEAN: ColumnType = { base: 'boolean' }

/** The specification's default mapping of FHIR types ("Default Type Mappings"). */
export function defaultColumnType(fhirType: string): ColumnType {
  switch (fhirType) {
    case 'boolean':
      return BOOLEAN
    case 'integer':
    case 'positiveInt':
    case 'unsignedInt':
      return { base: 'integer' }
    case 'integer64':
      return { base: 'long' }
    case 'instant':
      return { base: 'instant' }
    case 'base64Binary':
      return { base: 'binary' }
    default:
      return TEXT
  }
}

/** ISO/IEC 9075 names as `ansi/type` has them, and the shorter ones databases use. */
const NAMED: Readonly<Record<string, ColumnType>> = {
  CHARACTER: TEXT,
  CHAR: TEXT,
  'CHARACTER VARYING': TEXT,
  'CHAR VARYING': TEXT,
  VARCHAR: TEXT,
  'CHARACTER LARGE OBJECT': TEXT,
  CLOB: TEXT,
  TEXT: TEXT,
  STRING: TEXT,
  BOOLEAN: BOOLEAN,
  BOOL: BOOLEAN,
  SMALLINT: { base: 'integer' },
  INT: { base: 'integer' },
  INTEGER: { base: 'integer' },
  BIGINT: { base: 'long' },
  REAL: { base: 'double' },
  FLOAT: { base: 'double' },
  DOUBLE: { base: 'double' },
  'DOUBLE PRECISION': { base: 'double' },
  DATE: { base: 'date' },
  TIME: { base: 'time' },
  TIMESTAMP: { base: 'timestamp' },
  'TIMESTAMP WITHOUT TIME ZONE': { base: 'timestamp' },
  'TIMESTAMP WITH TIME ZONE': { base: 'instant' },
  TIMESTAMPTZ: { base: 'instant' },
  BINARY: { base: 'binary' },
  'BINARY VARYING': { base: 'binary' },
  VARBINARY: { base: 'binary' },
  'BINARY LARGE OBJECT': { base: 'binary' },
  BLOB: { base: 'binary' },
}

/**
 * Reads `VARCHAR(20)`, `timestamp(3) with time zone`, `DECIMAL(18, 2)`. Lengths of text and fractions of seconds
 * are left out: they would cut values.
 * @throws ViewError VIEW_UNSUPPORTED for a name it does not know.
 */
export function namedColumnType(name: string): ColumnType {
  const words = name.trim().toUpperCase().replace(/\s+/g, ' ')
  const decimal = /^(?:DECIMAL|DEC|NUMERIC)(?: ?\( ?(\d+) ?(?:, ?(\d+) ?)?\))?$/.exec(words)
  if (decimal) {
    const digits = Number(decimal[1] ?? 38)
    const scale = Number(decimal[2] ?? (decimal[1] === undefined ? 9 : 0))
    if (digits >= 1 && digits <= 38 && scale <= digits) return { base: 'decimal', digits, scale }
  }
  const known = NAMED[words.replace(/ ?\([^)]*\)/, '')]
  if (known) return known
  throw new ViewError(
    'VIEW_UNSUPPORTED',
    `there is no column type ${name}`,
    {},
    'use VARCHAR, BOOLEAN, INTEGER, BIGINT, DOUBLE PRECISION, DECIMAL(p,s), DATE, TIME, TIMESTAMP WITH TIME ZONE …',
  )
}
