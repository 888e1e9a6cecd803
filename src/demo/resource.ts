/** A FHIR resource as the demo server handles it: JSON with a type, an id and a `meta`. */

export interface FhirResource {
  readonly resourceType: string
  readonly id?: string
  readonly meta?: { readonly versionId?: string; readonly lastUpdated?: string; readonly [element: string]: unknown }
  readonly [element: string]: unknown
}

/** `Type/id`: how a deletion, a reference and a change summary name a resource. */
export function resourceKey(resource: { readonly type: string; readonly id: string }): string {
  return `${resource.type}/${resource.id}`
}

/** True for JSON that may be stored: an object with a type name and, if it has an id, one that FHIR allows. */
export function isResource(json: unknown): json is FhirResource {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return false
  const { resourceType, id } = json as { resourceType?: unknown; id?: unknown }
  return (
    typeof resourceType === 'string' &&
    /^[A-Z][A-Za-z]+$/.test(resourceType) &&
    (id === undefined || (typeof id === 'string' && /^[A-Za-z0-9\-._]{1,100}$/.test(id)))
  )
}
