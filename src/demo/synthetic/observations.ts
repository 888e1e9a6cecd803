/** The shape all Observations share, and what is measured at nearly every visit: vital signs and smoking. */
import type { Chart, Elements } from './chart.ts'
import { dateTime, instant } from './calendar.ts'
import { concept, hl7, LOINC, quantity, rounded, SNOMED } from './coding.ts'
import type { Ref } from './institutions.ts'
import type { Person } from './person.ts'
import type { Visit } from './visit.ts'

export type Category = 'vital-signs' | 'laboratory' | 'social-history' | 'survey'

export function addObservation(
  chart: Chart,
  person: Person,
  visit: Visit,
  category: Category,
  loinc: string,
  display: string,
  value: Elements,
): Ref {
  const ms = visit.ms + chart.random.whole(1, 12) * 60_000
  const { reference } = chart.add('Observation', ms, {
    status: 'final',
    category: [hl7('observation-category', category)],
    code: concept(LOINC, loinc, display),
    subject: { reference: `Patient/${person.id}` },
    encounter: visit.encounter,
    effectiveDateTime: dateTime(ms),
    ...(category === 'laboratory' && { issued: instant(ms + chart.random.whole(2, 40) * 1_800_000) }),
    ...(chart.random.chance(0.8) && { performer: [visit.practitioner] }),
    ...value,
  })
  return { reference, display }
}

export function addVitalSigns(chart: Chart, person: Person, visit: Visit): void {
  const { random } = chart
  const vital = (loinc: string, display: string, value: Elements) =>
    addObservation(chart, person, visit, 'vital-signs', loinc, display, value)
  const unknown = { dataAbsentReason: hl7('data-absent-reason', random.chance(0.5) ? 'not-performed' : 'error') }

  vital('85354-9', 'Blood pressure panel with all children optional', bloodPressure(chart, person, visit))
  if (visit.kind === 'wellness' || visit.kind === 'followUp') {
    const { heightCm, weightKg } = growth(person, visit.age)
    const weight = rounded(weightKg + random.bell(0, weightKg * 0.01), 1)
    if (visit.kind === 'wellness') vital('8302-2', 'Body height', { valueQuantity: quantity(heightCm, 'cm') })
    vital('29463-7', 'Body weight', random.chance(0.97) ? { valueQuantity: quantity(weight, 'kg') } : unknown)
    if (visit.age > 2) {
      vital('39156-5', 'Body mass index (BMI) [Ratio]', {
        valueQuantity: quantity(rounded(weight / (heightCm / 100) ** 2, 1), 'kg/m2'),
      })
    }
  }
  vital('8867-4', 'Heart rate', {
    valueQuantity: quantity(Math.round(random.bell(visit.age < 5 ? 112 : 74, 8)), '/min', 'beats/minute'),
  })
  if (visit.kind === 'acute' || visit.kind === 'emergency' || visit.kind === 'inpatient') {
    vital('8310-5', 'Body temperature', { valueQuantity: quantity(rounded(random.bell(37.4, 0.6), 1), 'Cel', 'C') })
    vital('59408-5', 'Oxygen saturation in Arterial blood by Pulse oximetry', {
      valueQuantity: quantity(Math.min(100, Math.round(random.bell(person.has('lungDisease') ? 93 : 97, 1.2))), '%'),
    })
  }
}

export function addSmokingStatus(chart: Chart, person: Person, visit: Visit): void {
  const [code, display] = (
    {
      never: ['266919005', 'Never smoked tobacco'],
      former: ['8517006', 'Ex-smoker'],
      current: ['449868002', 'Smokes tobacco daily'],
    } as const
  )[person.smoking]
  addObservation(chart, person, visit, 'social-history', '72166-2', 'Tobacco smoking status', {
    valueCodeableConcept: concept(SNOMED, code, display),
  })
}

/** PHQ-9: 0 to 27 points, ten and more suggest a depression. */
export function addDepressionScore(chart: Chart, person: Person, visit: Visit): void {
  const points = Math.max(0, Math.min(27, Math.round(chart.random.bell(person.has('depression') ? 11 : 3, 2.5))))
  addObservation(chart, person, visit, 'survey', '44261-6', 'Patient Health Questionnaire 9 item (PHQ-9) total score', {
    valueQuantity: quantity(points, '{score}'),
  })
}

function bloodPressure({ random }: Chart, person: Person, { age }: Visit): Elements {
  const rest = age < 18 ? 84 + age * 1.8 : 108 + (age - 18) * 0.22
  const systolic = Math.round(random.bell(rest + (person.has('hypertension') ? 15 : 0), 7))
  const diastolic = Math.round(systolic * 0.62 + random.bell(0, 3.5))
  const component = (loinc: string, display: string, value: number) => ({
    code: concept(LOINC, loinc, display),
    valueQuantity: quantity(value, 'mm[Hg]', 'mmHg'),
    ...(value >= (loinc === '8480-6' ? 140 : 90) && {
      interpretation: [hl7('v3-ObservationInterpretation', 'H', 'High')],
    }),
  })
  return {
    component: [
      component('8480-6', 'Systolic blood pressure', systolic),
      component('8462-4', 'Diastolic blood pressure', diastolic),
    ],
  }
}

/** Years, and the shares of adult height and adult body mass index reached by then. */
const GROWTH = [
  [0, 0.29, 0.5],
  [1, 0.44, 0.6],
  [2, 0.51, 0.58],
  [5, 0.64, 0.55],
  [10, 0.8, 0.62],
  [14, 0.95, 0.75],
  [18, 1, 0.85],
  [25, 1, 1],
] as const

function growth(person: Person, age: number): { heightCm: number; weightKg: number } {
  const next = GROWTH.findIndex(([years]) => years > age)
  const [from, to] = next === -1 ? [GROWTH[7], GROWTH[7]] : [GROWTH[next - 1]!, GROWTH[next]!]
  const way = to[0] === from[0] ? 0 : (age - from[0]) / (to[0] - from[0])
  const heightCm = rounded(person.heightCm * (from[1] + way * (to[1] - from[1])), 1)
  return { heightCm, weightKg: (heightCm / 100) ** 2 * person.bodyMassIndex * (from[2] + way * (to[2] - from[2])) }
}
