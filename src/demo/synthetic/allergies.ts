/** AllergyIntolerances: about one person in five has one or a few. */
import type { Chart } from './chart.ts'
import { date, YEAR_MS } from './calendar.ts'
import { concept, hl7, SNOMED, type CodeableConcept } from './coding.ts'
import type { Person } from './person.ts'

const ALLERGIES: readonly (readonly [code: CodeableConcept, category: string])[] = [
  [concept(SNOMED, '91936005', 'Allergy to penicillin'), 'medication'],
  [concept(SNOMED, '91935009', 'Allergy to peanut'), 'food'],
  [concept(SNOMED, '300913006', 'Shellfish allergy'), 'food'],
  [concept(SNOMED, '425525006', 'Allergy to dairy product'), 'food'],
  [concept(SNOMED, '418689008', 'Allergy to grass pollen'), 'environment'],
  [concept(SNOMED, '232350006', 'House dust mite allergy'), 'environment'],
  [concept(SNOMED, '232347008', 'Dander (animal) allergy'), 'environment'],
  [concept(SNOMED, '419474003', 'Allergy to mould'), 'environment'],
]
const REACTIONS: readonly CodeableConcept[] = [
  concept(SNOMED, '271807003', 'Eruption of skin'),
  concept(SNOMED, '247472004', 'Hives'),
  concept(SNOMED, '267036007', 'Dyspnea'),
  concept(SNOMED, '39579001', 'Anaphylaxis'),
]

export function addAllergies(chart: Chart, person: Person, fromMs: number): void {
  const { random } = chart
  const count =
    person.age < 2
      ? 0
      : random.weighted([
          [80, 0],
          [12, 1],
          [6, 2],
          [2, 3],
        ])
  const found = new Set(Array.from({ length: count }, () => random.pick(ALLERGIES)))
  for (const [code, category] of found) {
    const severe = random.chance(0.15)
    const onsetMs = person.birthMs + random.next() * (fromMs - person.birthMs)
    chart.add('AllergyIntolerance', fromMs, {
      clinicalStatus: hl7('allergyintolerance-clinical', random.chance(0.93) ? 'active' : 'resolved'),
      verificationStatus: hl7('allergyintolerance-verification', random.chance(0.85) ? 'confirmed' : 'unconfirmed'),
      type: 'allergy',
      category: [category],
      ...(random.chance(0.8) && { criticality: severe ? 'high' : 'low' }),
      code,
      patient: { reference: `Patient/${person.id}` },
      ...(random.chance(0.5) && { onsetDateTime: date(onsetMs).slice(0, 4) }),
      recordedDate: date(fromMs - (random.next() * YEAR_MS) / 12),
      ...(random.chance(0.75) && {
        reaction: [
          { manifestation: [severe ? REACTIONS[3] : random.pick(REACTIONS)], severity: severe ? 'severe' : 'mild' },
        ],
      }),
    })
  }
}
