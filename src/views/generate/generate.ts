/** generateViews: the default tables of a resource type, as ordinary ViewDefinitions made from FHIR's element table. */
import type { FhirTypes } from '../fhir-types.ts'
import { rowKinds } from './row-kinds.ts'
import { codingView, rowView, type GeneratedView } from './view-definition.ts'

/**
 * One table for the resource with every element of one value, one for every element that repeats, at any depth, each
 * with the resource's key and the row's places in it, and beside each a table of all codings of its coded elements.
 * Lists of primitive values are list columns; a list of concepts shows its first in the row. Left out are extensions,
 * narrative, contained resources, and the stranger types of elements that may be of any type.
 * @param resource a type that `types` knows
 */
export function generateViews(resource: string, types: FhirTypes): GeneratedView[] {
  return rowKinds(resource, types).flatMap((row) => [
    rowView(resource, row, types),
    ...(row.hasCodingTable ? [codingView(resource, row, types)] : []),
  ])
}
