/** The table of FHIR's types, as generated from the R4 definitions. */
import { expect, test } from 'vitest'
import { fhirTypes } from '../../src/views/fhir-types.ts'

const r4 = fhirTypes('R4')

test('it knows every resource of R4 and every element that each refers to', () => {
  expect(r4.version).toBe('4.0.1')
  expect(r4.resourceNames()).toHaveLength(146)
  const known = (name: string) => r4.isComplex(name) || r4.isPrimitive(name)
  const unknown = r4
    .typeNames()
    .filter(r4.isComplex.bind(r4))
    .flatMap((type) =>
      r4
        .elements(type)
        .flatMap((element) =>
          element.types.filter((one) => !known(one)).map((one) => `${type}.${element.name}: ${one}`),
        ),
    )
  expect(unknown).toEqual([])
})

test('elements have their type, whether they repeat, and those of their base types', () => {
  expect(r4.element('Patient', 'name')).toEqual({ name: 'name', types: ['HumanName'], isChoice: false, isMany: true })
  expect(r4.element('Patient', 'deceased')).toEqual({
    name: 'deceased',
    types: ['boolean', 'dateTime'],
    isChoice: true,
    isMany: false,
  })
  expect(r4.element('Patient', 'contact')?.types).toEqual(['Patient.contact'])
  expect(r4.element('Patient.contact', 'extension')?.types).toEqual(['Extension'])
  expect(r4.element('Patient', 'id')?.types).toEqual(['id'])
  expect(r4.element('Questionnaire.item', 'item')?.types).toEqual(['Questionnaire.item'])
  expect(r4.element('Observation.component', 'referenceRange')?.types).toEqual(['Observation.referenceRange'])
  expect(r4.element('Patient', 'nothing')).toBeUndefined()
})

test('a type is one of those it refines', () => {
  expect(r4.isA('code', 'string')).toBe(true)
  expect(r4.isA('Age', 'Quantity')).toBe(true)
  expect(r4.isA('string', 'code')).toBe(false)
})
