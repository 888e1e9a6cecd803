/**
 * Which patients a resource belongs to (after hl7.org/fhir/R4/compartmentdefinition-patient.html), and what each export
 * level admits.
 */
import type { FhirResource } from './resource.ts'
import type { Tombstone, Version } from './version.ts'

export type ExportScope =
  | { readonly level: 'system' }
  | { readonly level: 'patient' }
  | { readonly level: 'group'; readonly members: ReadonlySet<string> }

/**
 * Types in no patient's compartment that exports of patients carry all the same, so that references resolve: many
 * servers do so. The demo server sends all of them, whoever refers to them.
 */
const SUPPORTING_TYPES: ReadonlySet<string> = new Set([
  'Organization',
  'Practitioner',
  'PractitionerRole',
  'Location',
  'Medication',
])

/** Elements that hold the patient, where it is not `subject` or `patient`. */
const PATIENT_ELEMENTS: Readonly<Record<string, readonly string[]>> = {
  Account: ['subject'],
  Appointment: ['participant.actor'],
  Coverage: ['beneficiary', 'subscriber', 'policyHolder'],
  Group: ['member.entity'],
  Person: ['link.target'],
  Provenance: ['target'],
  Schedule: ['actor'],
  Task: ['for', 'focus'],
}
const USUAL_ELEMENTS = ['subject', 'patient'] as const

/** Ids of the patients whose compartment holds the resource: none, one, rarely more. */
export function patientsOf(resource: FhirResource): string[] {
  if (resource.resourceType === 'Patient') return resource.id === undefined ? [] : [resource.id]
  const found = new Set<string>()
  for (const path of PATIENT_ELEMENTS[resource.resourceType] ?? USUAL_ELEMENTS) {
    for (const value of valuesAt(resource, path.split('.'))) {
      const id = patientId((value as { reference?: unknown } | null)?.reference)
      if (id !== undefined) found.add(id)
    }
  }
  return [...found]
}

export function admits(scope: ExportScope, entry: Version | Tombstone): boolean {
  if (scope.level === 'system') return true
  if (entry.type === 'Group') return false
  if (SUPPORTING_TYPES.has(entry.type)) return true
  if (scope.level === 'patient') return entry.patients.length > 0
  return entry.patients.some((id) => scope.members.has(id))
}

function valuesAt(value: unknown, path: readonly string[]): unknown[] {
  if (Array.isArray(value)) return value.flatMap((each) => valuesAt(each, path))
  const [element, ...rest] = path
  if (element === undefined) return [value]
  if (typeof value !== 'object' || value === null) return []
  return valuesAt((value as Record<string, unknown>)[element], rest)
}

/** `Patient/1`, `https://host/fhir/Patient/1`, `Patient/1/_history/2`; `urn:uuid:…` names the patient by its id. */
export function patientId(reference: unknown): string | undefined {
  if (typeof reference !== 'string') return undefined
  return /^(?:urn:uuid:|(?:.*\/)?Patient\/)([A-Za-z0-9\-._]+)(?:\/_history\/.*)?$/.exec(reference)?.[1]
}
