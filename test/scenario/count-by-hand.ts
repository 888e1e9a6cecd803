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

/** Extensions of one url. */
const extensions = (node: unknown, url: string): unknown[] =>
  at(node, 'extension').filter((extension) => at(extension, 'url')[0] === url)
const raceEthnicity = (resource: Resource): unknown[] =>
  ['race', 'ethnicity'].flatMap((kind) =>
    ['ombCategory', 'detailed'].flatMap((level) =>
      extensions(extensions(resource, `http://hl7.org/fhir/us/core/StructureDefinition/us-core-${kind}`), level),
    ),
  )
const loincOf = (node: unknown): unknown[] =>
  at(node, 'code', 'coding')
    .filter((coding) => at(coding, 'system')[0] === 'http://loinc.org')
    .flatMap((coding) => at(coding, 'code'))
const isBloodPressure = (resource: Resource): boolean =>
  loincOf(resource).some((code) => code === '85354-9' || code === '55284-4') ||
  at(resource, 'component').some((component) => ['8480-6', '8462-4'].includes(String(loincOf(component)[0])))
const pressure =
  (code: string): Read =>
  (resource) =>
    isBloodPressure(resource)
      ? at(
          at(resource, 'component').filter((component) => loincOf(component).includes(code)),
          'valueQuantity',
          'value',
        )
      : []
/** The concept of a request's medication, wherever it stands in the request. */
const medicationOf = (resource: Resource): unknown[] => [
  ...at(resource, 'medicationCodeableConcept'),
  ...at(resource, 'contained')
    .filter((contained) => `#${String(at(contained, 'id')[0])}` === at(resource, 'medicationReference', 'reference')[0])
    .flatMap((contained) => at(contained, 'code')),
]

const rowsOf: Record<string, [type: string, rows: (resource: Resource) => number]> = {
  allergy_intolerance: ['AllergyIntolerance', one],
  allergy_intolerance_coding: ['AllergyIntolerance', each('code', 'coding')],
  blood_pressure: ['Observation', (r) => (isBloodPressure(r) ? 1 : 0)],
  claim: ['Claim', one],
  claim_diagnosis: ['Claim', each('diagnosis')],
  claim_item: ['Claim', each('item')],
  claim_procedure: ['Claim', each('procedure')],
  condition: ['Condition', one],
  condition_category: ['Condition', each('category', 'coding')],
  condition_coding: ['Condition', each('code', 'coding')],
  coverage: ['Coverage', one],
  diagnostic_report: ['DiagnosticReport', one],
  diagnostic_report_coding: ['DiagnosticReport', each('code', 'coding')],
  diagnostic_report_result: ['DiagnosticReport', each('result')],
  encounter: ['Encounter', one],
  encounter_diagnosis: ['Encounter', each('diagnosis')],
  explanation_of_benefit: ['ExplanationOfBenefit', one],
  explanation_of_benefit_adjudication: ['ExplanationOfBenefit', each('item', 'adjudication')],
  explanation_of_benefit_care_team: ['ExplanationOfBenefit', each('careTeam')],
  explanation_of_benefit_diagnosis: ['ExplanationOfBenefit', each('diagnosis')],
  explanation_of_benefit_item: ['ExplanationOfBenefit', each('item')],
  explanation_of_benefit_procedure: ['ExplanationOfBenefit', each('procedure')],
  explanation_of_benefit_total: ['ExplanationOfBenefit', each('total')],
  immunization: ['Immunization', one],
  immunization_coding: ['Immunization', each('vaccineCode', 'coding')],
  medication: ['Medication', one],
  medication_coding: ['Medication', each('code', 'coding')],
  medication_request: ['MedicationRequest', one],
  medication_request_coding: ['MedicationRequest', (r) => at(medicationOf(r), 'coding').length],
  observation: ['Observation', one],
  observation_category: ['Observation', each('category', 'coding')],
  observation_coding: ['Observation', each('code', 'coding')],
  observation_component: ['Observation', each('component')],
  organization: ['Organization', one],
  patient: ['Patient', one],
  patient_address: ['Patient', each('address')],
  patient_identifier: ['Patient', each('identifier')],
  patient_name: ['Patient', each('name')],
  patient_race_ethnicity: ['Patient', (r) => raceEthnicity(r).length],
  practitioner: ['Practitioner', one],
  procedure: ['Procedure', one],
  procedure_coding: ['Procedure', each('code', 'coding')],
  smoking_status: ['Observation', (r) => (loincOf(r).includes('72166-2') ? 1 : 0)],
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
  'blood_pressure.systolic': ['Observation', pressure('8480-6')],
  'blood_pressure.diastolic': ['Observation', pressure('8462-4')],
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
  'explanation_of_benefit_total.amount': ['ExplanationOfBenefit', all('total', 'amount', 'value')],
  'explanation_of_benefit_care_team.practitioner_key': [
    'ExplanationOfBenefit',
    keyOf('Practitioner', all('careTeam', 'provider', 'reference')),
  ],
  'claim_diagnosis.condition_key': ['Claim', keyOf('Condition', all('diagnosis', 'diagnosisReference', 'reference'))],
  'immunization.vaccine_code': ['Immunization', first('vaccineCode', 'coding', 'code')],
  'medication_request.authored_on': ['MedicationRequest', instant(all('authoredOn'))],
  'medication_request.medication_code': ['MedicationRequest', (r) => at(medicationOf(r), 'coding', 'code').slice(0, 1)],
  'medication_request_coding.code': ['MedicationRequest', (r) => at(medicationOf(r), 'coding', 'code')],
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
  'patient_name.family_name': ['Patient', all('name', 'family')],
  'patient_race_ethnicity.code': ['Patient', (r) => at(raceEthnicity(r), 'valueCoding', 'code')],
  'procedure.performed_datetime': ['Procedure', instant(all('performedDateTime'), all('performedPeriod', 'start'))],
  'procedure_coding.code': ['Procedure', all('code', 'coding', 'code')],
  'smoking_status.value_code': [
    'Observation',
    (r) => (loincOf(r).includes('72166-2') ? first('valueCodeableConcept', 'coding', 'code')(r) : []),
  ],
  'procedure.performed_end': ['Procedure', instant(all('performedPeriod', 'end'))],
}
