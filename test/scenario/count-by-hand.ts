/** An independent count of what the shipped views must hold: JSON.parse over NDJSON files, no code of the product. */
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export type Resource = Record<string, unknown>

/**
 * Rows each shipped view must have for a folder of `Type*.ndjson` files, by view name.
 * A view whose type has no file is there with 0. By hand, from the root, with Node 22.18 or newer:
 * `node -e "import('./test/scenario/count-by-hand.ts').then(m => m.countByHand('DIR')).then(console.table)"`
 */
export async function countByHand(folder: string): Promise<Record<string, number>> {
  const counts = Object.fromEntries(Object.keys(rowsOf).map((view) => [view, 0]))
  for await (const resource of readResources(folder)) {
    for (const [view, [type, rows]] of Object.entries(rowsOf)) {
      if (type === resource.resourceType) counts[view] = (counts[view] ?? 0) + rows(resource)
    }
  }
  return counts
}

/**
 * Every non-null value some columns must hold, by `view.column`, as text, sorted: sums hide errors that cancel out.
 * Dates are `YYYY-MM-DD`, instants milliseconds since 1970, keys the literal reference `Type/id`.
 */
export async function valuesByHand(folder: string): Promise<Record<string, string[]>> {
  const values = Object.fromEntries(Object.keys(valuesOf).map((column) => [column, [] as string[]]))
  for await (const resource of readResources(folder)) {
    for (const [column, [type, read]] of Object.entries(valuesOf)) {
      if (type === resource.resourceType)
        values[column]?.push(
          ...read(resource)
            .filter((v) => v != null)
            .map(String),
        )
    }
  }
  for (const list of Object.values(values)) list.sort()
  return values
}

/** Reads the resources of all `.ndjson` files of a folder, one at a time; blank lines are no resources. */
export async function* readResources(folder: string): AsyncGenerator<Resource> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.ndjson')).sort()
  for (const file of files) {
    for await (const line of createInterface({ input: createReadStream(join(folder, file)), crlfDelay: Infinity })) {
      if (line.trim() !== '') yield JSON.parse(line) as Resource
    }
  }
}

/** All values at the end of a path of element names; arrays on the way are gone through. */
export function at(node: unknown, ...names: string[]): unknown[] {
  if (node === undefined || node === null) return []
  if (Array.isArray(node)) return node.flatMap((item) => at(item, ...names))
  const [name, ...rest] = names
  return name === undefined ? [node] : at((node as Record<string, unknown>)[name], ...rest)
}

const one = (): number => 1
const each =
  (...names: string[]) =>
  (resource: Resource): number =>
    at(resource, ...names).length

const rowsOf: Record<string, [type: string, rows: (resource: Resource) => number]> = {
  allergy_intolerance: ['AllergyIntolerance', one],
  claim: ['Claim', one],
  claim_item: ['Claim', each('item')],
  condition: ['Condition', one],
  condition_coding: ['Condition', each('code', 'coding')],
  coverage: ['Coverage', one],
  diagnostic_report: ['DiagnosticReport', one],
  diagnostic_report_result: ['DiagnosticReport', each('result')],
  encounter: ['Encounter', one],
  explanation_of_benefit: ['ExplanationOfBenefit', one],
  explanation_of_benefit_adjudication: ['ExplanationOfBenefit', each('item', 'adjudication')],
  explanation_of_benefit_diagnosis: ['ExplanationOfBenefit', each('diagnosis')],
  explanation_of_benefit_item: ['ExplanationOfBenefit', each('item')],
  immunization: ['Immunization', one],
  medication: ['Medication', one],
  medication_coding: ['Medication', each('code', 'coding')],
  medication_request: ['MedicationRequest', one],
  observation: ['Observation', one],
  observation_coding: ['Observation', each('code', 'coding')],
  observation_component: ['Observation', each('component')],
  organization: ['Organization', one],
  patient: ['Patient', one],
  patient_address: ['Patient', each('address')],
  patient_identifier: ['Patient', each('identifier')],
  practitioner: ['Practitioner', one],
  procedure: ['Procedure', one],
}

type Read = (resource: Resource) => unknown[]
const all =
  (...names: string[]): Read =>
  (resource) =>
    at(resource, ...names)
const first =
  (...names: string[]): Read =>
  (resource) =>
    at(resource, ...names).slice(0, 1)
const instant =
  (...reads: Read[]): Read =>
  (resource) =>
    reads.flatMap((read) => read(resource)).map((value) => Date.parse(String(value)))
const keyOf =
  (type: string, read: Read): Read =>
  (resource) =>
    read(resource)
      .map(String)
      .filter((reference) => reference.startsWith(`${type}/`))
const amountOf =
  (...codes: string[]): Read =>
  (resource) =>
    at(resource, 'item').flatMap((item) => {
      const ofCode = at(item, 'adjudication').filter((adjudication) =>
        at(adjudication, 'category', 'coding', 'code').some((code) => codes.includes(String(code))),
      )
      return at(ofCode[0], 'amount', 'value')
    })
const blueButton = (variable: string): string => `https://bluebutton.cms.gov/resources/variables/${variable}`

const valuesOf: Record<string, [type: string, read: Read]> = {
  'claim.patient_key': ['Claim', keyOf('Patient', first('patient', 'reference'))],
  'claim.total_amount': ['Claim', all('total', 'value')],
  'claim_item.net_amount': ['Claim', all('item', 'net', 'value')],
  'claim_item.sequence': ['Claim', all('item', 'sequence')],
  'condition.code': ['Condition', first('code', 'coding', 'code')],
  'condition.encounter_key': ['Condition', keyOf('Encounter', first('encounter', 'reference'))],
  'condition.onset_datetime': ['Condition', instant(all('onsetDateTime'), all('onsetPeriod', 'start'))],
  'condition_coding.code': ['Condition', all('code', 'coding', 'code')],
  'diagnostic_report_result.observation_key': ['DiagnosticReport', keyOf('Observation', all('result', 'reference'))],
  'encounter.class_code': ['Encounter', all('class', 'code')],
  'encounter.organization_key': ['Encounter', keyOf('Organization', all('serviceProvider', 'reference'))],
  'encounter.period_end': ['Encounter', instant(all('period', 'end'))],
  'encounter.period_start': ['Encounter', instant(all('period', 'start'))],
  'explanation_of_benefit.claim_key': ['ExplanationOfBenefit', keyOf('Claim', all('claim', 'reference'))],
  'explanation_of_benefit.payment_amount': ['ExplanationOfBenefit', all('payment', 'amount', 'value')],
  'explanation_of_benefit_adjudication.amount': [
    'ExplanationOfBenefit',
    all('item', 'adjudication', 'amount', 'value'),
  ],
  'explanation_of_benefit_item.coinsurance_amount': [
    'ExplanationOfBenefit',
    amountOf('coinsurance', blueButton('line_coinsrnc_amt')),
  ],
  'explanation_of_benefit_item.submitted_amount': [
    'ExplanationOfBenefit',
    amountOf('submitted', blueButton('line_sbmtd_chrg_amt')),
  ],
  'immunization.occurrence_datetime': ['Immunization', instant(all('occurrenceDateTime'))],
  'immunization.vaccine_code': ['Immunization', first('vaccineCode', 'coding', 'code')],
  'medication_request.authored_on': ['MedicationRequest', instant(all('authoredOn'))],
  'medication_request.medication_code': ['MedicationRequest', first('medicationCodeableConcept', 'coding', 'code')],
  'medication_request.reason_condition_key': [
    'MedicationRequest',
    (r) => keyOf('Condition', all('reasonReference', 'reference'))(r).slice(0, 1),
  ],
  'observation.code_text': ['Observation', all('code', 'text')],
  'observation.effective_datetime': [
    'Observation',
    instant(all('effectiveDateTime'), all('effectiveInstant'), all('effectivePeriod', 'start')),
  ],
  'observation.effective_end': ['Observation', instant(all('effectivePeriod', 'end'))],
  'observation.issued': ['Observation', instant(all('issued'))],
  'observation.patient_key': ['Observation', keyOf('Patient', all('subject', 'reference'))],
  'observation.value_code': ['Observation', first('valueCodeableConcept', 'coding', 'code')],
  'observation.value_quantity': ['Observation', all('valueQuantity', 'value')],
  'observation.value_string': ['Observation', all('valueString')],
  'observation_coding.code': ['Observation', all('code', 'coding', 'code')],
  'observation_component.value_quantity': ['Observation', all('component', 'valueQuantity', 'value')],
  'observation_component.value_unit_code': ['Observation', all('component', 'valueQuantity', 'code')],
  'patient.address_postal_code': [
    'Patient',
    (r) =>
      at(r, 'address')
        .slice(0, 1)
        .flatMap((a) => at(a, 'postalCode')),
  ],
  'patient.birth_date': ['Patient', all('birthDate')],
  'patient.id': ['Patient', all('id')],
  'patient_identifier.value': ['Patient', all('identifier', 'value')],
  'procedure.performed_datetime': ['Procedure', instant(all('performedDateTime'), all('performedPeriod', 'start'))],
  'procedure.performed_end': ['Procedure', instant(all('performedPeriod', 'end'))],
}
