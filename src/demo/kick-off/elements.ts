/** `_elements`: resources with the asked root elements and those they cannot do without, marked as not whole. */
import type { FhirResource } from '../resource.ts'

/** Makes of a resource what the client asked for; undefined where every resource comes whole. */
export type Alteration = (resource: FhirResource) => FhirResource

const SUBSETTED = { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' }

/** Elements of cardinality 1 in R4, of the types that synthetic patients have. */
const MANDATORY: Readonly<Record<string, readonly string[]>> = {
  AllergyIntolerance: ['patient'],
  Claim: ['status', 'type', 'use', 'patient', 'created', 'provider', 'priority', 'insurance'],
  Condition: ['subject'],
  Coverage: ['status', 'beneficiary', 'payor'],
  DiagnosticReport: ['status', 'code'],
  Encounter: ['status', 'class'],
  ExplanationOfBenefit: ['status', 'type', 'use', 'patient', 'created', 'insurer', 'provider', 'outcome', 'insurance'],
  Group: ['type', 'actual'],
  ImagingStudy: ['status', 'subject'],
  Immunization: ['status', 'vaccineCode', 'patient', 'occurrenceDateTime', 'occurrenceString'],
  MedicationRequest: ['status', 'intent', 'medicationCodeableConcept', 'medicationReference', 'subject'],
  Observation: ['status', 'code'],
  Procedure: ['status', 'subject'],
}

/** The header line of a block by patient is not one of the resources asked for. */
const HEADER = 'Parameters'

/** Of every type: what tells one resource from another. */
const ALWAYS: readonly string[] = ['resourceType', 'id', 'meta']

/**
 * @param asked `element` for all types, or `Type.element`. A type of which nothing is asked comes whole, if every word
 * names a type.
 */
export function subsetting(asked: readonly string[]): Alteration | undefined {
  if (asked.length === 0) return undefined
  const words = asked.map((word) => word.split('.') as [string, string?])
  return (resource) => {
    const chosen = words.flatMap(([first, second]) =>
      second === undefined ? [first] : first === resource.resourceType ? [second] : [],
    )
    if (chosen.length === 0 || resource.resourceType === HEADER) return resource
    const kept = new Set([...ALWAYS, ...(MANDATORY[resource.resourceType] ?? []), ...chosen])
    const elements = Object.entries(resource).filter(([name]) => kept.has(name.replace(/^_/, '')))
    return marked(Object.fromEntries(elements) as FhirResource)
  }
}

function marked(resource: FhirResource): FhirResource {
  const tags = resource.meta?.['tag']
  const others: unknown[] = Array.isArray(tags) ? tags : []
  return { ...resource, meta: { ...resource.meta, tag: [...others, SUBSETTED] } }
}
