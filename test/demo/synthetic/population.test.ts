import { describe, expect, it } from 'vitest'
import type { FhirResource } from '../../../src/demo/resource.ts'
import { syntheticResources } from '../../../src/demo/synthetic/population.ts'

const PATIENTS = 150
const resources = [...syntheticResources(PATIENTS, 1)]
const lines = resources.map((resource) => JSON.stringify(resource))

interface Coded {
  coding: { system: string; code: string }[]
}
const of = <T>(type: string) => resources.filter(({ resourceType }) => resourceType === type) as (FhirResource & T)[]
const reference = (value: unknown) => (value as { reference: string }).reference

describe('synthetic patients', () => {
  it('are the same, byte for byte, for the same seed, and others for another', () => {
    expect([...syntheticResources(PATIENTS, 1)].map((resource) => JSON.stringify(resource))).toEqual(lines)
    expect([...syntheticResources(3, 2)].map(({ id }) => id)).not.toEqual(
      [...syntheticResources(3, 1)].map(({ id }) => id),
    )
  })

  it('do not depend on how many there are', () => {
    const first = [...syntheticResources(3, 1)].filter(({ resourceType }) => resourceType !== 'Group')
    expect(first.map((resource) => JSON.stringify(resource))).toEqual(lines.slice(0, first.length))
  })

  it('come with at least a dozen types, and 60 to 160 resources each on average', () => {
    const types = new Set(resources.map(({ resourceType }) => resourceType))
    expect([...types].sort()).toEqual([
      'AllergyIntolerance',
      'Claim',
      'Condition',
      'Coverage',
      'DiagnosticReport',
      'Encounter',
      'ExplanationOfBenefit',
      'Group',
      'Immunization',
      'Medication',
      'MedicationRequest',
      'Observation',
      'Organization',
      'Patient',
      'Practitioner',
      'Procedure',
    ])
    expect(resources.length / PATIENTS).toBeGreaterThan(60)
    expect(resources.length / PATIENTS).toBeLessThan(160)
  })

  it('refer only to what is there, and no id comes twice', () => {
    const keys = resources.map(({ resourceType, id }) => `${resourceType}/${id}`)
    const known = new Set(keys)
    expect(known.size).toBe(keys.length)
    const referred = new Set(
      lines.flatMap((line) => [...line.matchAll(/"reference":"([^"#]+)"/g)].map((match) => match[1]!)),
    )
    expect(referred.size).toBeGreaterThan(1000)
    expect([...referred].filter((each) => !known.has(each))).toEqual([])
  })

  it('carry versionId and lastUpdated, in a history that ended before anyone could read it', () => {
    for (const { meta } of resources) {
      expect(meta?.versionId).toMatch(/^[123]$/)
      expect(meta?.lastUpdated).toMatch(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
      expect(meta!.lastUpdated! <= '2025-12-31T00:00:00.000Z').toBe(true)
    }
    expect(lines.some((line) => /undefined|NaN|null/.test(line))).toBe(false)
  })

  it('live no day before their birth and die after their last visit', () => {
    const patients = new Map(
      of<{ birthDate: string; deceasedDateTime?: string }>('Patient').map((each) => [`Patient/${each.id}`, each]),
    )
    expect(new Set([...patients.values()].map(({ gender }) => gender))).toEqual(new Set(['female', 'male']))
    for (const { subject, period } of of<{ subject: unknown; period: { start: string; end: string } }>('Encounter')) {
      const { birthDate, deceasedDateTime } = patients.get(reference(subject))!
      expect(period.start >= birthDate && period.start < period.end).toBe(true)
      if (deceasedDateTime) expect(period.end <= deceasedDateTime).toBe(true)
    }
  })

  it('with diabetes are a believable share, and some of them, by far not all, have an HbA1c above 9', () => {
    const diabetic = new Set(
      of<{ code: Coded; subject: unknown }>('Condition')
        .filter(({ code }) => code.coding[0]!.code === '44054006')
        .map(({ subject }) => reference(subject)),
    )
    expect(diabetic.size / PATIENTS).toBeGreaterThan(0.05)
    expect(diabetic.size / PATIENTS).toBeLessThan(0.2)
    const last = new Map<string, { time: string; value: number }>()
    for (const each of of<{ code: Coded; effectiveDateTime: string; valueQuantity: { value: number; unit: string } }>(
      'Observation',
    )) {
      if (each.code.coding[0]!.code !== '4548-4') continue
      const patient = reference(each['subject'])
      expect(each.valueQuantity.value > 4 && each.valueQuantity.value < 14).toBe(true)
      if ((last.get(patient)?.time ?? '') < each.effectiveDateTime)
        last.set(patient, { time: each.effectiveDateTime, value: each.valueQuantity.value })
    }
    const poor = [...diabetic].filter((patient) => (last.get(patient)?.value ?? 0) > 9)
    expect(poor.length).toBeGreaterThan(0)
    expect(poor.length).toBeLessThan(diabetic.size / 2)
    expect([...last].filter(([patient, { value }]) => !diabetic.has(patient) && value > 7)).toEqual([])
  })

  it('are billed in amounts that add up, item by item and in total', () => {
    type Amounts = { category: Coded; amount: { value: number } }[]
    const bills = of<{
      claim: unknown
      item: { net: { value: number }; adjudication: Amounts }[]
      total: Amounts
      payment: { amount: { value: number } }
    }>('ExplanationOfBenefit')
    const claims = new Map(
      of<{ total: { value: number } }>('Claim').map((claim) => [`Claim/${claim.id}`, claim.total.value]),
    )
    const cents = (amounts: Amounts, code: string) =>
      Math.round(amounts.find(({ category }) => category.coding[0]!.code === code)!.amount.value * 100)
    for (const { claim, item, total, payment } of bills) {
      for (const part of ['submitted', 'eligible', 'coinsurance', 'benefit']) {
        expect(item.reduce((sum, { adjudication }) => sum + cents(adjudication, part), 0)).toBe(cents(total, part))
      }
      expect(cents(total, 'coinsurance') + cents(total, 'benefit')).toBe(cents(total, 'eligible'))
      expect(cents(total, 'submitted')).toBe(Math.round(claims.get(reference(claim))! * 100))
      expect(cents(total, 'benefit')).toBe(Math.round(payment.amount.value * 100))
    }
    expect(bills.some((bill) => bill['contained'] !== undefined)).toBe(true)
  })

  it('are as uneven as real ones: partial dates, missing values, several names, components', () => {
    const onsets = of<{ onsetDateTime: string }>('Condition').map(({ onsetDateTime }) => onsetDateTime.length)
    expect(new Set(onsets)).toEqual(new Set([4, 7, 10, 25]))
    expect(of<{ name: unknown[] }>('Patient').some(({ name }) => name.length > 1)).toBe(true)
    expect(of('Patient').some((patient) => patient['address'] === undefined)).toBe(true)
    expect(of('Observation').some((each) => each['dataAbsentReason'] !== undefined)).toBe(true)
    expect(of<{ component?: unknown[] }>('Observation').some(({ component }) => component?.length === 2)).toBe(true)
    expect(of('MedicationRequest').some((each) => each['medicationReference'] !== undefined)).toBe(true)
    expect(of('MedicationRequest').some((each) => each['medicationCodeableConcept'] !== undefined)).toBe(true)
    // Names beyond ASCII, so that a mistake with UTF-8 shows.
    expect(lines.some((line) => /[é-ø]/.test(line))).toBe(true)
  })
})
