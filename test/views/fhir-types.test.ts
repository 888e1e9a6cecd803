/** The tables of FHIR's types, as generated from each release's definitions. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { fhirTypes, releaseOf, type FhirRelease } from '../../src/views/fhir-types.ts'

const r4 = fhirTypes('R4')
const resources = JSON.parse(
  readFileSync(new URL('../../schemas/fhir/resource-types.json', import.meta.url), 'utf8'),
) as Record<FhirRelease, readonly string[]>

test.each([
  ['R4', '4.0.1'],
  ['R4B', '4.3.0'],
  ['R5', '5.0.0'],
] as const)('it knows every resource of %s and every element that each refers to', (release, version) => {
  const types = fhirTypes(release)
  expect(types.version).toBe(version)
  expect(types.resourceNames()).toEqual([...resources[release]].sort())
  const known = (name: string) => types.isComplex(name) || types.isPrimitive(name)
  const unknown = types
    .typeNames()
    .filter((name) => types.isComplex(name))
    .flatMap((type) =>
      types
        .elements(type)
        .flatMap((element) =>
          [...element.types, ...element.targets]
            .filter((one) => !known(one))
            .map((one) => `${type}.${element.name}: ${one}`),
        ),
    )
  expect(unknown).toEqual([])
})

test('a version names its release, with or without the last digit', () => {
  expect(['4.0.1', '4.0', '4.3.0', '5.0.0', '6.0.0', '3.0.2'].map(releaseOf)).toEqual([
    'R4',
    'R4',
    'R4B',
    'R5',
    undefined,
    undefined,
  ])
})

test('a reference says which resources it leads to', () => {
  expect(r4.element('Encounter', 'subject')).toMatchObject({ types: ['Reference'], targets: ['Patient', 'Group'] })
  expect(r4.element('Observation', 'performer')).toMatchObject({ types: ['Reference'], isMany: true })
  expect(r4.element('MedicationRequest', 'medication')).toMatchObject({
    types: ['CodeableConcept', 'Reference'],
    targets: ['Medication'],
  })
  expect(r4.element('Observation', 'focus')?.targets).toEqual([])
})

test('elements have their type, whether they repeat, and those of their base types', () => {
  expect(r4.element('Patient', 'name')).toEqual({
    name: 'name',
    types: ['HumanName'],
    targets: [],
    isChoice: false,
    isMany: true,
  })
  expect(r4.element('Patient', 'deceased')).toEqual({
    name: 'deceased',
    types: ['boolean', 'dateTime'],
    targets: [],
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
