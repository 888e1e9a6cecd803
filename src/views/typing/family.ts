/** The families of FHIR's primitive types: what may be compared, joined or declared as what. */
import type { FieldKind } from '../plan/shape.ts'
import type { Typed } from './typed.ts'

export type Family = 'text' | 'boolean' | 'number' | 'date' | 'time'

const WHOLE = new Set(['integer', 'positiveInt', 'unsignedInt', 'integer64'])

/** Undefined for what is no primitive. */
export function familyOf({ type }: Typed): Family | undefined {
  return type.kind === 'value' ? familyOfType(type.name) : undefined
}

export function familyOfType(name: string): Family {
  if (WHOLE.has(name) || name === 'decimal') return 'number'
  if (name === 'boolean' || name === 'time') return name
  return name === 'date' || name === 'dateTime' || name === 'instant' ? 'date' : 'text'
}

export function isWhole({ type }: Typed): boolean {
  return type.kind === 'value' && WHOLE.has(type.name)
}

/** How values of a primitive type are kept. */
export function fieldKind(name: string): FieldKind {
  if (name === 'integer64') return 'long'
  if (WHOLE.has(name)) return 'integer'
  return name === 'boolean' || name === 'decimal' ? name : 'text'
}
