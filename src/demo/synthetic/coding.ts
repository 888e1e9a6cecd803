/** Code systems and the FHIR shapes that hold a code or a quantity. */

export const SNOMED = 'http://snomed.info/sct'
export const LOINC = 'http://loinc.org'
export const RXNORM = 'http://www.nlm.nih.gov/research/umls/rxnorm'
export const CVX = 'http://hl7.org/fhir/sid/cvx'
export const ICD10 = 'http://hl7.org/fhir/sid/icd-10-cm'
const UCUM = 'http://unitsofmeasure.org'

export interface Coding {
  readonly system: string
  readonly code: string
  readonly display?: string
}

export interface CodeableConcept {
  readonly coding: readonly Coding[]
  readonly text?: string
}

export function concept(system: string, code: string, display: string): CodeableConcept {
  return { coding: [{ system, code, display }], text: display }
}

/** A code of one of HL7's own systems, without a text. */
export function hl7(system: string, code: string, display?: string): CodeableConcept {
  return { coding: [{ system: `http://terminology.hl7.org/CodeSystem/${system}`, code, ...(display && { display }) }] }
}

/** @param code the unit in UCUM, which is also shown unless `unit` says otherwise. */
export function quantity(value: number, code: string, unit: string = code): object {
  return { value, unit, system: UCUM, code }
}

export function rounded(value: number, digits: number): number {
  const factor = 10 ** digits
  return Math.round(value * factor) / factor
}

export function usd(cents: number): object {
  return { value: cents / 100, currency: 'USD' }
}
