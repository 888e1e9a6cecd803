/** Keys and tables as they are typed. */
import { expect, test } from 'vitest'
import { chosenTable, typedKey } from '../../src/cli/resource-key.ts'

const patient = { name: 'patient', resource: 'Patient', hash: 'h' }
const condition = { name: 'condition', resource: 'Condition', hash: 'h' }
const coding = { name: 'condition_coding', resource: 'Condition', hash: 'h' }
const TABLES = [patient, condition, coding]

test('a key may be given without its source, or as an id alone, which is of the type the table is made of', () => {
  expect(typedKey('hospital/Patient/1', patient, TABLES)).toEqual({ source: 'hospital', type: 'Patient', id: '1' })
  expect(typedKey('Patient/1', patient, TABLES)).toEqual({ source: undefined, type: 'Patient', id: '1' })
  expect(typedKey('a.b:c~d', coding, TABLES)).toEqual({ source: undefined, type: 'Condition', id: 'a.b:c~d' })
})

test('what is no key is refused', () => {
  for (const text of ['', '/', 'Patient/', '/1', '/Patient/1', 'a/b/Patient/1']) {
    expect(() => typedKey(text, patient, TABLES), text).toThrow('no key of a resource')
  }
})

test('a key of another type than the table is made of names the tables that are', () => {
  expect(() => typedKey('Condition/1', patient, TABLES)).toThrow(
    expect.objectContaining({ code: 'LINEAGE_KEY', hint: 'tables made of Condition: condition, condition_coding' }),
  )
})

test('a table that is not there names the one that was probably meant, or all there are', () => {
  expect(chosenTable('patient', TABLES)).toBe(patient)
  expect(() => chosenTable('pateint', TABLES)).toThrow(expect.objectContaining({ hint: 'did you mean patient?' }))
  const all = 'there are: patient, condition, condition_coding'
  expect(() => chosenTable('claims', TABLES)).toThrow(expect.objectContaining({ hint: all }))
  expect(() => chosenTable('patient', [])).toThrow(expect.objectContaining({ code: 'LINEAGE_TABLE' }))
})
