/** Condition resources: the lasting diseases of a person, and the passing ones a visit is for. */
import type { Chart } from './chart.ts'
import { date, dateTime, DAY_MS } from './calendar.ts'
import { hl7 } from './coding.ts'
import type { AcuteDisease, ChronicDisease, Disease } from './diseases.ts'
import type { Ref } from './institutions.ts'
import type { Person } from './person.ts'

/** Adds all chronic diseases to the problem list; each with the Condition's reference. */
export function addProblemList(chart: Chart, person: Person): Map<ChronicDisease, Ref> {
  return new Map(
    [...person.onsetMs].map(([disease, onsetMs]) => [
      disease,
      add(chart, person, disease, onsetMs, {
        clinicalStatus: hl7('condition-clinical', 'active'),
        category: [hl7('condition-category', 'problem-list-item', 'Problem List Item')],
        onsetDateTime: remembered(chart, onsetMs),
        ...(chart.random.chance(0.9) && { recordedDate: date(onsetMs + chart.random.whole(0, 40) * DAY_MS) }),
      }),
    ]),
  )
}

/** The Condition of a visit's acute disease; over by now unless it began a few days before the history ends. */
export function addAcuteCondition(
  chart: Chart,
  person: Person,
  disease: AcuteDisease,
  ms: number,
  untilMs: number,
): Ref {
  const endMs = ms + disease.lastsDays * DAY_MS
  return add(chart, person, disease, ms, {
    clinicalStatus: hl7('condition-clinical', endMs < untilMs ? 'resolved' : 'active'),
    category: [hl7('condition-category', 'encounter-diagnosis', 'Encounter Diagnosis')],
    onsetDateTime: dateTime(ms - chart.random.whole(0, 3) * DAY_MS),
    ...(endMs < untilMs && { abatementDateTime: dateTime(endMs) }),
    recordedDate: date(ms),
  })
}

function add(chart: Chart, person: Person, disease: Disease, ms: number, elements: object): Ref {
  const { reference } = chart.add('Condition', ms, {
    ...elements,
    verificationStatus: hl7('condition-ver-status', chart.random.chance(0.96) ? 'confirmed' : 'provisional'),
    code: disease.code,
    subject: { reference: `Patient/${person.id}` },
  })
  return { reference, display: disease.code.text ?? disease.key }
}

/** Nobody knows the day after years: the year, the month, or the day. */
function remembered(chart: Chart, ms: number): string {
  return date(ms).slice(
    0,
    chart.random.weighted([
      [25, 4],
      [25, 7],
      [50, 10],
    ]),
  )
}
