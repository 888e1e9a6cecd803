import { expect, test } from 'vitest'
import { SHIPPED_VIEWS } from '../../../src/app/config-views.ts'
import { loadAllViews } from '../../../src/views/library.ts'
import { tableOrder } from '../../../src/warehouse/snapshot/table-order.ts'

const views = new Map((await loadAllViews([SHIPPED_VIEWS])).map((view) => [view.name, view]))

test.each([
  ['observation', 'patient_key', 'code'],
  ['observation_category', 'patient_key', 'category_code'],
  ['condition_coding', 'patient_key', 'code'],
  ['immunization', 'patient_key', 'vaccine_code'],
  ['medication_request', 'patient_key', 'medication_code'],
  ['claim_diagnosis', 'patient_key', 'diagnosis_code'],
  ['blood_pressure', 'patient_key', 'body_site_code'],
  ['patient', '_resource_key', undefined],
  ['patient_name', '_resource_key', undefined],
  ['organization', '_resource_key', 'type_code'],
])('the rows of %s lie by %s and %s', (name, patient, code) => {
  expect(tableOrder(views.get(name)!)).toEqual({ patient, code })
})

test('a generated table, too, lies by whom it is about', () => {
  const columns = ['status', 'subject_key', 'method_code'].map((name) => ({ name, type: 'VARCHAR' }))
  expect(tableOrder({ resource: 'Specimen', columns })).toEqual({ patient: 'subject_key', code: 'method_code' })
})

test('of the other resources, the tables that are about patients all have their patient', () => {
  const without = [...views.values()].filter((view) => tableOrder(view).patient === '_resource_key')
  expect(without.map((view) => view.name).filter((name) => !name.startsWith('patient'))).toEqual([
    'medication',
    'medication_coding',
    'organization',
    'practitioner',
  ])
})
