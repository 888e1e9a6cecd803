/** By what the rows of a published table lie together: the patient they are about, and a code. */
import type { View } from '../tables/view.ts'

interface TableOrder {
  /** Column with the key of the patient, or of the resource where the rows are about no patient. */
  readonly patient: string
  /** Column with the code that cohorts are made by; undefined where there is none. */
  readonly code: string | undefined
}

/** References to the patient, as FHIR's types and the shipped views call them. */
const PATIENT_COLUMNS = ['patient_key', 'subject_key', 'beneficiary_key', 'individual_key']

/** What a resource is about comes before what kind of thing it is. */
const CODE_COLUMNS = [
  'code',
  'medication_code',
  'vaccine_code',
  'diagnosis_code',
  'procedure_code',
  'product_code',
  'medication_codeable_concept_code',
  'value_code',
  'type_code',
  'category_code',
]

/** A pure function of the view's names: the same table lies the same way in every snapshot. */
export function tableOrder({ resource, columns }: Pick<View, 'resource' | 'columns'>): TableOrder {
  const texts = columns.filter((column) => column.type === 'VARCHAR').map((column) => column.name)
  const named = (names: readonly string[]) => names.find((name) => texts.includes(name))
  const isPatient = resource === 'Patient'
  return {
    patient: (isPatient ? undefined : named(PATIENT_COLUMNS)) ?? '_resource_key',
    code: isPatient && !texts.includes('code') ? undefined : (named(CODE_COLUMNS) ?? texts.find(isCode)),
  }
}

function isCode(name: string): boolean {
  return name.endsWith('_code') && !/_(unit|absent|absent_reason)_code$/.test(name)
}
