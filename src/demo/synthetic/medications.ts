/** What is prescribed against which disease, and the MedicationRequests: renewed yearly, the last one active. */
import type { Chart } from './chart.ts'
import { date, dateTime, DAY_MS } from './calendar.ts'
import { concept, quantity, RXNORM, SNOMED } from './coding.ts'
import type { Institutions, Ref } from './institutions.ts'
import type { Person } from './person.ts'
import type { Visit } from './visit.ts'

interface Prescription {
  readonly rxnorm: string
  readonly display: string
  readonly perDay: number
  readonly unit: string
  readonly days: number
  readonly chance: number
  readonly asNeeded?: boolean
  readonly adultsOnly?: boolean
}

const BY_DISEASE: Readonly<Record<string, readonly Prescription[]>> = {
  hypertension: [
    tablet('314076', 'lisinopril 10 MG Oral Tablet', 1, 0.7),
    tablet('197361', 'amlodipine 5 MG Oral Tablet', 1, 0.35),
  ],
  diabetes: [
    tablet('861007', 'metformin hydrochloride 500 MG Oral Tablet', 2, 0.85),
    { rxnorm: '106892', display: '', perDay: 2, unit: '[iU]', days: 365, chance: 0.2 },
  ],
  hyperlipidemia: [tablet('312961', 'simvastatin 20 MG Oral Tablet', 1, 0.75)],
  coronaryDisease: [
    tablet('309362', 'clopidogrel 75 MG Oral Tablet', 1, 0.8),
    { rxnorm: '705129', display: '', perDay: 1, unit: '{actuat}', days: 365, chance: 0.5, asNeeded: true },
  ],
  heartFailure: [tablet('313988', 'furosemide 40 MG Oral Tablet', 1, 0.9)],
  atrialFibrillation: [tablet('855332', 'warfarin sodium 5 MG Oral Tablet', 1, 0.8)],
  asthma: [{ rxnorm: '745679', display: '', perDay: 4, unit: '{actuat}', days: 365, chance: 0.9, asNeeded: true }],
  lungDisease: [{ rxnorm: '896209', display: '', perDay: 2, unit: '{actuat}', days: 365, chance: 0.85 }],
  depression: [tablet('312941', 'sertraline 50 MG Oral Tablet', 1, 0.7)],
  hypothyroidism: [tablet('966222', 'levothyroxine sodium 0.075 MG Oral Tablet', 1, 0.9)],
  reflux: [tablet('198051', 'omeprazole 20 MG Delayed Release Oral Capsule', 1, 0.6)],
  hayFever: [{ ...tablet('311372', 'loratadine 10 MG Oral Tablet', 1, 0.6), asNeeded: true }],
  throat: [course('308182', 'amoxicillin 250 MG Oral Capsule', 3, 10)],
  ear: [course('308182', 'amoxicillin 250 MG Oral Capsule', 3, 10)],
  pneumonia: [course('562251', 'amoxicillin 250 MG / clavulanate 125 MG Oral Tablet', 3, 7)],
  urine: [course('309097', 'cefuroxime 250 MG Oral Tablet', 2, 7)],
  sinusitis: [{ ...course('313782', 'acetaminophen 325 MG Oral Tablet', 4, 7), asNeeded: true }],
  back: [
    course('849574', 'naproxen sodium 220 MG Oral Tablet', 2, 14),
    opioid('835603', 'tramadol hydrochloride 50 MG Oral Tablet', 5, 0.15),
  ],
  ankle: [{ ...course('310965', 'ibuprofen 200 MG Oral Tablet', 3, 10), asNeeded: true }],
  forearm: [
    { ...course('310965', 'ibuprofen 200 MG Oral Tablet', 3, 14), asNeeded: true },
    opioid('856987', 'acetaminophen 300 MG / hydrocodone bitartrate 5 MG Oral Tablet', 7, 0.5),
  ],
  appendicitis: [opioid('1049221', 'acetaminophen 325 MG / oxycodone hydrochloride 5 MG Oral Tablet', 5, 0.6)],
  gallstones: [opioid('1049221', 'acetaminophen 325 MG / oxycodone hydrochloride 5 MG Oral Tablet', 5, 0.6)],
}

export interface Medicine extends Prescription {
  readonly condition: Ref
  /** Not prescribed before this. */
  readonly fromMs: number
}

/** The medicines a person takes against a disease, each decided once. */
export function medicinesFor(
  random: Chart['random'],
  disease: string,
  condition: Ref,
  { age, fromMs = 0 }: { readonly age: number; readonly fromMs?: number | undefined },
): Medicine[] {
  return (BY_DISEASE[disease] ?? [])
    .filter((each) => (age >= 18 || !each.adultsOnly) && random.chance(each.chance))
    .map((each) => ({ ...each, condition, fromMs }))
}

/** @param untilMs end of what is known: an order that runs beyond it is active. */
export function addMedicationRequest(
  chart: Chart,
  person: Person,
  visit: Visit,
  institutions: Institutions,
  medicine: Medicine,
  untilMs: number,
): void {
  const { random } = chart
  const { rxnorm, display, perDay, unit, days, condition } = medicine
  const stocked = institutions.medications.get(rxnorm)
  const endMs = visit.ms + days * DAY_MS
  chart.add('MedicationRequest', visit.ms, {
    status: endMs >= untilMs ? 'active' : random.chance(0.95) ? 'completed' : 'stopped',
    intent: 'order',
    ...(stocked ? { medicationReference: stocked } : { medicationCodeableConcept: concept(RXNORM, rxnorm, display) }),
    subject: { reference: `Patient/${person.id}` },
    encounter: visit.encounter,
    authoredOn: dateTime(visit.ms),
    requester: visit.practitioner,
    reasonReference: [condition],
    dosageInstruction: [
      {
        sequence: 1,
        text: `${perDay} a day${medicine.asNeeded ? ' as needed' : ''}`,
        timing: { repeat: { frequency: perDay, period: 1, periodUnit: 'd' } },
        asNeededBoolean: medicine.asNeeded ?? false,
        ...(unit === '{tbl}' && { route: concept(SNOMED, '26643006', 'Oral route') }),
        doseAndRate: [{ doseQuantity: quantity(1, unit) }],
      },
    ],
    ...(random.chance(0.85) && {
      dispenseRequest: {
        validityPeriod: { start: date(visit.ms), end: date(endMs) },
        numberOfRepeatsAllowed: days > 100 ? 3 : 0,
        quantity: quantity(perDay * Math.min(days, 90), unit),
        expectedSupplyDuration: quantity(Math.min(days, 90), 'd', 'days'),
      },
    }),
  })
}

function tablet(rxnorm: string, display: string, perDay: number, chance: number): Prescription {
  return { rxnorm, display, perDay, unit: '{tbl}', days: 365, chance }
}

function course(rxnorm: string, display: string, perDay: number, days: number): Prescription {
  return { rxnorm, display, perDay, unit: '{tbl}', days, chance: 0.85 }
}

function opioid(rxnorm: string, display: string, days: number, chance: number): Prescription {
  return { ...course(rxnorm, display, 3, days), chance, asNeeded: true, adultsOnly: true }
}
