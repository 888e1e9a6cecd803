/** What is done at visits beyond talking: checks, pictures, treatments. */
import type { Chart } from './chart.ts'
import { date, dateTime } from './calendar.ts'
import { concept, SNOMED, type CodeableConcept } from './coding.ts'
import type { Ref } from './institutions.ts'
import type { Person } from './person.ts'
import type { Visit } from './visit.ts'

interface Act {
  readonly code: CodeableConcept
  readonly priceCents: number
  readonly minutes: number
  chance(person: Person, visit: Visit): number
}

const ACTS: readonly Act[] = [
  act('430193006', 'Medication reconciliation', 4800, 10, (_, { kind }) =>
    kind === 'followUp' ? 0.5 : kind === 'inpatient' ? 1 : 0.1,
  ),
  act('171207006', 'Depression screening', 2600, 15, (_, { kind, age }) =>
    kind === 'wellness' && age > 12 ? 0.45 : 0,
  ),
  act('401191002', 'Diabetic foot examination', 3500, 10, ({ has }, { kind }) =>
    has('diabetes') && kind === 'followUp' ? 0.3 : 0,
  ),
  act('29303009', 'Electrocardiographic procedure', 9200, 15, ({ has }, visit) =>
    visit.disease?.key === 'chestPain' ? 1 : has('coronaryDisease') || has('atrialFibrillation') ? 0.3 : 0,
  ),
  act('127783003', 'Spirometry', 8100, 20, ({ has }, { kind }) =>
    (has('asthma') || has('lungDisease')) && kind !== 'emergency' ? 0.25 : 0,
  ),
  act('73761001', 'Colonoscopy', 112_000, 45, (_, { kind, age }) =>
    kind === 'wellness' && age > 45 && age < 76 ? 0.1 : 0,
  ),
  act('71651007', 'Mammography', 21_500, 20, ({ sex }, { kind, age }) =>
    sex === 'female' && kind === 'wellness' && age > 45 && age < 75 ? 0.4 : 0,
  ),
  act('117015009', 'Throat culture', 3900, 5, (_, visit) => (visit.disease?.key === 'throat' ? 1 : 0)),
  act('399208008', 'Plain chest X-ray', 14_800, 15, (_, visit) =>
    visit.disease?.key === 'pneumonia' ? 1 : visit.disease?.key === 'chestPain' ? 0.6 : 0,
  ),
  act('288086009', 'Suture open wound', 24_000, 30, (_, visit) => (visit.disease?.key === 'hand' ? 1 : 0)),
  act('274474001', 'Bone immobilization', 31_000, 40, (_, visit) => (visit.disease?.key === 'forearm' ? 1 : 0)),
  act('80146002', 'Appendectomy', 940_000, 80, (_, visit) => (visit.disease?.key === 'appendicitis' ? 1 : 0)),
]

export interface DoneAct {
  readonly code: CodeableConcept
  readonly priceCents: number
  readonly procedure: Ref
}

export function addProcedures(chart: Chart, person: Person, visit: Visit, reason: Ref | undefined): DoneAct[] {
  const { random } = chart
  return ACTS.filter((each) => random.chance(each.chance(person, visit))).map(({ code, minutes, priceCents }) => {
    const endMs = visit.ms + minutes * 60_000
    const procedure = chart.add('Procedure', endMs, {
      status: 'completed',
      code,
      subject: { reference: `Patient/${person.id}` },
      encounter: visit.encounter,
      ...(random.chance(0.8)
        ? { performedPeriod: { start: dateTime(visit.ms), end: dateTime(endMs) } }
        : { performedDateTime: date(visit.ms) }),
      performer: [{ actor: visit.practitioner }],
      ...(reason && { reasonReference: [reason] }),
    })
    return { code, priceCents, procedure }
  })
}

function act(snomed: string, display: string, priceCents: number, minutes: number, chance: Act['chance']): Act {
  return { code: concept(SNOMED, snomed, display), priceCents, minutes, chance }
}
