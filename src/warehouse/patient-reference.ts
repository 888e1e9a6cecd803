/** Where a resource names its patient. */

/**
 * Of the elements that name one alone (FHIR R4, "CompartmentDefinition: patient"). What names no patient, such as an
 * Organization, belongs to none.
 */
const ELEMENTS = `'{"subject":{"reference":"VARCHAR"},"patient":{"reference":"VARCHAR"},"beneficiary":{"reference":"VARCHAR"},
  "individual":{"reference":"VARCHAR"}}'`

/** SQL of a resource's structure for {@link patientOf}, from its text. */
export function patientStruct(json: string): string {
  return `from_json(${json}, ${ELEMENTS})`
}

/** SQL of the id of the patient a resource is of: its own, where it is one; NULL or '' where it names none. */
export function patientOf(type: string, id: string, struct: string): string {
  const named = ['patient', 'subject', 'beneficiary', 'individual'].map((element) => `${struct}.${element}.reference`)
  return `CASE WHEN ${type} = 'Patient' THEN ${id} ELSE
    regexp_extract(coalesce(${named.join(', ')}), '(?:^|/)Patient/([^/?#]+)', 1) END`
}
