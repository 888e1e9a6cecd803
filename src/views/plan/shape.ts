/** What a view reads of its resource: a tree of the elements its paths touch, and how each is wanted. */

/** How an element's value is kept. `any` may be one of several types and stays JSON. */
export type FieldKind = 'text' | 'boolean' | 'integer' | 'long' | 'decimal' | 'object' | 'any'

/**
 * How a decimal is wanted. `double`: as a binary number. `short`: as text that may have lost what a double loses
 * (trailing zeros, digits beyond the 15th). `digits`: as the text the server wrote.
 */
export type DecimalForm = 'double' | 'short' | 'digits'

export interface Field {
  readonly name: string
  /** The object it belongs to. */
  readonly owner: Shape
  readonly kind: FieldKind
  readonly isMany: boolean
  /** Of an object, what is read of it. */
  readonly shape: Shape
  /** Of a decimal: all forms that are read. */
  readonly forms: Set<DecimalForm>
  /** Read as JSON somewhere: kept so, and decoded where its elements are read. */
  isJson: boolean
}

export class Shape {
  readonly fields = new Map<string, Field>()

  field(name: string, kind: FieldKind, isMany: boolean): Field {
    let field = this.fields.get(name)
    if (!field) {
      field = { name, owner: this, kind, isMany, shape: new Shape(), forms: new Set(), isJson: kind === 'any' }
      this.fields.set(name, field)
    }
    return field
  }
}

/** The shape with those fields only that are wanted or hold one that is. */
export function prunedShape(shape: Shape, isWanted: (field: Field) => boolean): Shape {
  const pruned = new Shape()
  for (const [name, field] of shape.fields) {
    const inner = prunedShape(field.shape, isWanted)
    if (isWanted(field) || inner.fields.size > 0) pruned.fields.set(name, { ...field, shape: inner })
  }
  return pruned
}
