/** A kind of row of a resource: what it is once for, and what stands in it. */

/** One step from the resource, or from the row around, to a row. */
export interface Step {
  readonly kind: 'forEach' | 'repeat'
  /** FHIRPath, from the step before. One for forEach. */
  readonly paths: readonly string[]
  /** snake_case: `sub_detail`; its place is in the column `sub_detail_index`. */
  readonly name: string
}

export interface RowKind {
  /** From the resource to the row; none for the row of the resource itself. */
  readonly steps: readonly Step[]
  /** `Claim.item.detail`: where in FHIR's definitions. */
  readonly element: string
  readonly columns: readonly RowColumn[]
  readonly concepts: readonly Concept[]
  /** Its coded elements have a table of all their codings. */
  readonly hasCodingTable: boolean
}

export interface RowColumn {
  readonly name: string
  /** FHIRPath, from the row. */
  readonly path: string
  /** FHIR type. */
  readonly type: string
  readonly isMany: boolean
  readonly description: string
}

/** A CodeableConcept or Coding element of a row. */
export interface Concept {
  /** FHIRPath, from the row. */
  readonly path: string
  /** Its way from the row in the JSON: `valueCodeableConcept`. */
  readonly element: string
  readonly isMany: boolean
  readonly isCoding: boolean
}
