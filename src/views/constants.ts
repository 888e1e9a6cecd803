/** A view's constants as typed values, by name. */
import type { ConstantDefinition, ViewDefinition } from './definition.ts'
import type { FhirTypes } from './fhir-types.ts'
import type { Mistakes } from './mistakes.ts'
import { text } from './plan/expr.ts'
import { NOTHING, valueOf, type Typed } from './typing/typed.ts'
import { ViewError } from './view-error.ts'

const BUILT_IN = ['rowIndex', 'context', 'resource', 'rootResource', 'sct', 'loinc', 'ucum']
const WHOLE = ['integer', 'positiveInt', 'unsignedInt', 'integer64']

export function constants(view: ViewDefinition, types: FhirTypes, mistakes: Mistakes): Map<string, Typed> {
  const known = new Map<string, Typed>()
  for (const constant of view.constants) {
    const { name, at: path } = constant
    mistakes.attempt({ path }, () => checkName(name, known), undefined)
    known.set(
      name,
      mistakes.attempt({ path }, () => constantValue(constant, types), NOTHING),
    )
  }
  return known
}

function checkName(name: string, known: ReadonlyMap<string, Typed>): void {
  if (known.has(name)) throw new ViewError('VIEW_INVALID', `the constant ${name} is already defined`)
  if (BUILT_IN.includes(name)) throw new ViewError('VIEW_INVALID', `%${name} has a meaning of its own`)
}

function constantValue({ type, value }: ConstantDefinition, types: FhirTypes): Typed {
  // integer64 is new in R5; as the type of a constant it says what it means.
  if (!types.isPrimitive(type) && type !== 'integer64')
    throw new ViewError('VIEW_UNKNOWN', `there is no primitive type ${type}`)
  const isWhole = WHOLE.includes(type)
  const wanted = type === 'boolean' ? 'boolean' : isWhole || type === 'decimal' ? 'number' : 'string'
  const isText = type === 'integer64' && typeof value === 'string'
  if (typeof value !== wanted && !isText) throw new ViewError('VIEW_INVALID', `${type} is a ${wanted}`)
  if (isWhole && !/^-?\d+$/.test(String(value))) throw new ViewError('VIEW_INVALID', `${type} is a whole number`)
  if (typeof value === 'boolean') return valueOf(type, { op: 'boolean', value })
  return valueOf(type, isWhole ? { op: 'integer', value: String(value) } : text(String(value)))
}
