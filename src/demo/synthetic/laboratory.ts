/** Blood tests: results that fit the person's diseases, and the DiagnosticReport that gathers them. */
import type { Chart, Elements } from './chart.ts'
import { dateTime, instant } from './calendar.ts'
import { concept, hl7, LOINC, quantity, rounded, type CodeableConcept } from './coding.ts'
import type { Ref } from './institutions.ts'
import { addObservation } from './observations.ts'
import type { Person } from './person.ts'
import type { Visit } from './visit.ts'

/** Mean and deviation of a person's results. */
type Spread = (person: Person) => readonly [mean: number, deviation: number]

interface Test {
  readonly loinc: string
  readonly display: string
  readonly unit: string
  readonly digits: number
  /** Reference range; a result outside it is marked. */
  readonly range: readonly [low: number | undefined, high: number | undefined]
  readonly spread: Spread
}

interface Panel {
  readonly code: CodeableConcept
  readonly tests: readonly Test[]
  readonly priceCents: number
}

const PANELS = {
  a1c: panel('4548-4', 'Hemoglobin A1c/Hemoglobin.total in Blood', 1400, [
    test('4548-4', 'Hemoglobin A1c/Hemoglobin.total in Blood', '%', 1, [4, 5.6], ({ a1c }) => [a1c, 0.25]),
  ]),
  metabolic: panel('24321-2', 'Basic metabolic 2000 panel - Serum or Plasma', 3100, [
    // The usual conversion of an average HbA1c to an average glucose.
    test('2345-7', 'Glucose [Mass/volume] in Serum or Plasma', 'mg/dL', 0, [70, 99], ({ a1c }) => [
      28.7 * a1c - 46.7,
      9,
    ]),
    test('2160-0', 'Creatinine [Mass/volume] in Serum or Plasma', 'mg/dL', 2, [0.6, 1.3], ({ has, sex }) => [
      has('kidneyDisease') ? 1.6 : sex === 'female' ? 0.8 : 0.95,
      0.1,
    ]),
    test(
      '33914-3',
      'Glomerular filtration rate/1.73 sq M.predicted',
      'mL/min/{1.73_m2}',
      0,
      [60, undefined],
      ({ has, age }) => [has('kidneyDisease') ? 46 : 112 - age * 0.5, 4],
    ),
    test('2951-2', 'Sodium [Moles/volume] in Serum or Plasma', 'mmol/L', 0, [135, 145], () => [140, 2]),
    test('2823-3', 'Potassium [Moles/volume] in Serum or Plasma', 'mmol/L', 1, [3.5, 5.1], () => [4.3, 0.3]),
  ]),
  lipids: panel('57698-3', 'Lipid panel with direct LDL - Serum or Plasma', 4200, [
    test('2093-3', 'Cholesterol [Mass/volume] in Serum or Plasma', 'mg/dL', 0, [undefined, 199], ({ has }) => [
      has('hyperlipidemia') ? 222 : 178,
      16,
    ]),
    test('2571-8', 'Triglyceride [Mass/volume] in Serum or Plasma', 'mg/dL', 0, [undefined, 149], ({ has }) => [
      has('diabetes') ? 185 : 118,
      25,
    ]),
    test(
      '18262-6',
      'Cholesterol in LDL [Mass/volume] in Serum or Plasma by Direct assay',
      'mg/dL',
      0,
      [undefined, 129],
      ({ has }) => [has('hyperlipidemia') ? 142 : 104, 14],
    ),
    test('2085-9', 'Cholesterol in HDL [Mass/volume] in Serum or Plasma', 'mg/dL', 0, [40, undefined], ({ sex }) => [
      sex === 'female' ? 58 : 48,
      6,
    ]),
  ]),
  bloodCount: panel('58410-2', 'CBC panel - Blood by Automated count', 2300, [
    test('718-7', 'Hemoglobin [Mass/volume] in Blood', 'g/dL', 1, [12, 17.5], ({ sex }) => [
      sex === 'female' ? 13.4 : 14.8,
      0.8,
    ]),
    test('6690-2', 'Leukocytes [#/volume] in Blood by Automated count', '10*3/uL', 1, [4.5, 11], () => [8.6, 2]),
    test('777-3', 'Platelets [#/volume] in Blood by Automated count', '10*3/uL', 0, [150, 400], () => [255, 40]),
  ]),
  thyroid: panel('3016-3', 'Thyrotropin [Units/volume] in Serum or Plasma', 2900, [
    test('3016-3', 'Thyrotropin [Units/volume] in Serum or Plasma', 'm[IU]/L', 2, [0.4, 4.5], ({ has }) =>
      has('hypothyroidism') ? [4.1, 0.9] : [1.9, 0.5],
    ),
  ]),
} satisfies Record<string, Panel>

/** The panels a visit calls for. */
export function panelsFor(person: Person, visit: Visit, random: Chart['random']): Panel[] {
  if (visit.kind === 'emergency' || visit.kind === 'inpatient') return [PANELS.bloodCount, PANELS.metabolic]
  if (visit.kind === 'acute' || visit.age < 18) return []
  const panels: Panel[] = []
  if (person.has('diabetes') || (person.has('prediabetes') && visit.kind === 'wellness')) panels.push(PANELS.a1c)
  if (person.has('diabetes') || person.has('kidneyDisease') || person.has('hypertension') || visit.age > 45) {
    if (random.chance(0.6)) panels.push(PANELS.metabolic)
  }
  if (visit.kind === 'wellness' && visit.age > 35) panels.push(PANELS.lipids)
  if (person.has('hypothyroidism') && random.chance(0.7)) panels.push(PANELS.thyroid)
  return panels
}

/** Adds the panel's Observations and their DiagnosticReport. */
export function addPanel(chart: Chart, person: Person, visit: Visit, { code, tests }: Panel): Ref {
  const { random } = chart
  const result = tests.map((each) => {
    const value = rounded(Math.max(0.1, random.bell(...each.spread(person))), each.digits)
    return addObservation(chart, person, visit, 'laboratory', each.loinc, each.display, measured(each, value))
  })
  const issuedMs = visit.ms + random.whole(4, 40) * 1_800_000
  const { reference } = chart.add('DiagnosticReport', issuedMs, {
    status: 'final',
    category: [hl7('v2-0074', 'LAB', 'Laboratory')],
    code,
    subject: { reference: `Patient/${person.id}` },
    encounter: visit.encounter,
    effectiveDateTime: dateTime(visit.ms),
    issued: instant(issuedMs),
    performer: [visit.place],
    result,
  })
  return { reference, display: code.text ?? '' }
}

function measured({ unit, range: [low, high] }: Test, value: number): Elements {
  const flag = low !== undefined && value < low ? 'L' : high !== undefined && value > high ? 'H' : undefined
  return {
    valueQuantity: quantity(value, unit),
    ...(flag && { interpretation: [hl7('v3-ObservationInterpretation', flag, flag === 'L' ? 'Low' : 'High')] }),
    referenceRange: [
      {
        ...(low !== undefined && { low: quantity(low, unit) }),
        ...(high !== undefined && { high: quantity(high, unit) }),
      },
    ],
  }
}

function panel(loinc: string, display: string, priceCents: number, tests: readonly Test[]): Panel {
  return { code: concept(LOINC, loinc, display), tests, priceCents }
}

function test(
  loinc: string,
  display: string,
  unit: string,
  digits: number,
  range: Test['range'],
  spread: Spread,
): Test {
  return { loinc, display, unit, digits, range, spread }
}
