/** When a person goes to the doctor and why, and the Encounter that records it. */
import type { Random } from '../random.ts'
import type { Chart } from './chart.ts'
import { ageAt, atClock, dateTime, DAY_MS, HISTORY_END_MS, HISTORY_START_MS, HOUR_MS, YEAR_MS } from './calendar.ts'
import { concept, SNOMED, type CodeableConcept } from './coding.ts'
import { ACUTE_DISEASES, type AcuteDisease, type ChronicDisease } from './diseases.ts'
import type { Institutions, Ref } from './institutions.ts'
import type { Person } from './person.ts'

export interface PlannedVisit {
  readonly kind: 'wellness' | 'followUp' | AcuteDisease['setting']
  readonly ms: number
  readonly disease?: ChronicDisease | AcuteDisease
}

export interface Visit extends PlannedVisit {
  readonly endMs: number
  readonly age: number
  readonly type: CodeableConcept
  readonly encounter: Ref
  readonly practitioner: Ref
  readonly place: Ref
}

const MONTH_MS = YEAR_MS / 12
const INFANT_MONTHS = [1, 2, 4, 6, 9, 12, 15, 18, 24]

interface Shape {
  readonly class: string
  readonly display: string
  readonly type: CodeableConcept
  /** Shortest and longest duration. */
  readonly minutes: readonly [number, number]
}

const SHAPES: Readonly<Record<PlannedVisit['kind'], Shape>> = {
  wellness: shape('AMB', 'ambulatory', '162673000', 'General examination of patient', 20, 45),
  followUp: shape('AMB', 'ambulatory', '390906007', 'Follow-up encounter', 15, 30),
  acute: shape('AMB', 'ambulatory', '185345009', 'Encounter for symptom', 10, 30),
  emergency: shape('EMER', 'emergency', '50849002', 'Emergency room admission', 60, 420),
  inpatient: shape('IMP', 'inpatient encounter', '32485007', 'Hospital admission', 2 * 1440, 7 * 1440),
}
const WELL_CHILD = concept(SNOMED, '410620009', 'Well child visit')

/** All visits within the recorded history, oldest first. */
export function planVisits(random: Random, person: Person): PlannedVisit[] {
  const startMs = Math.max(HISTORY_START_MS, person.birthMs + 7 * DAY_MS)
  const endMs = (person.deathMs ?? HISTORY_END_MS) - 8 * DAY_MS
  const planned: PlannedVisit[] = INFANT_MONTHS.map((months) => ({
    kind: 'wellness',
    ms: person.birthMs + months * MONTH_MS,
  }))
  for (let ms = startMs + random.whole(0, 330) * DAY_MS; ms < endMs; ms += YEAR_MS + random.whole(-20, 20) * DAY_MS) {
    const age = ageAt(person.birthMs, ms)
    if (age > 2.2 && random.chance(age < 18 || age > 45 ? 0.85 : 0.5)) planned.push({ kind: 'wellness', ms })
  }
  // One visit serves all chronic diseases: the one that needs the most visits sets the pace and is the reason.
  const paced = [...person.onsetMs]
    .filter(([disease]) => disease.visitMonths !== undefined)
    .sort(([a], [b]) => a.visitMonths! - b.visitMonths!)
  const pacemaker = paced[0]
  if (pacemaker) {
    const [disease, onsetMs] = pacemaker
    for (
      let ms = Math.max(startMs, onsetMs) + random.whole(0, 80) * DAY_MS;
      ms < endMs;
      ms += disease.visitMonths! * MONTH_MS + random.whole(-12, 25) * DAY_MS
    )
      planned.push({ kind: 'followUp', ms, disease })
  }
  const frailty =
    1 + Math.max(0, person.age - 55) / 20 + (person.has('heartFailure') || person.has('lungDisease') ? 1 : 0)
  const rates = { acute: person.age < 10 ? 1.1 : 0.6, emergency: 0.13 * frailty, inpatient: 0.035 * frailty } as const
  for (const setting of ['acute', 'emergency', 'inpatient'] as const) {
    for (let ms = startMs; ms < endMs; ms += YEAR_MS / 4) {
      if (!random.chance(rates[setting] / 4)) continue
      const age = ageAt(person.birthMs, ms)
      const disease = random.weighted(
        ACUTE_DISEASES.filter((each) => each.setting === setting).map((each) => [each.weight(age), each] as const),
      )
      const visit = { kind: setting, ms: ms + random.whole(0, 85) * DAY_MS, disease }
      planned.push(visit)
      // About one stay in seven is followed by another within 30 days; the longest ends after seven.
      if (setting === 'inpatient' && random.chance(0.15))
        planned.push({ ...visit, ms: visit.ms + random.whole(9, 35) * DAY_MS })
    }
  }
  return planned.filter(({ ms }) => ms >= startMs && ms < endMs).sort((a, b) => a.ms - b.ms)
}

/** @param reason the Condition that the visit is for, with its code. */
export function addEncounter(
  chart: Chart,
  person: Person,
  planned: PlannedVisit,
  institutions: Institutions,
  reason: Ref | undefined,
): Visit {
  const { random } = chart
  const { class: code, display, type: usualType, minutes } = SHAPES[planned.kind]
  const age = ageAt(person.birthMs, planned.ms)
  const ms = atClock(
    planned.ms,
    planned.kind === 'emergency' ? random.whole(0, 18) : random.whole(8, 16),
    random.whole(0, 11) * 5,
  )
  const endMs = ms + random.whole(...minutes) * 60_000
  const type = planned.kind === 'wellness' && age < 18 ? WELL_CHILD : usualType
  const outside = planned.kind === 'emergency' || planned.kind === 'inpatient'
  const place = outside ? institutions.hospital : institutions.clinics[person.number % institutions.clinics.length]!
  // People have a doctor of their own; in the hospital it is whoever is there.
  const practitioner =
    outside || random.chance(0.1)
      ? random.pick(institutions.practitioners)
      : institutions.practitioners[person.number % institutions.practitioners.length]!
  const encounter = chart.add('Encounter', endMs, {
    status: 'finished',
    class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code, display },
    type: [type],
    subject: { reference: `Patient/${person.id}`, display: `${person.given[0]} ${person.family}` },
    participant: [{ individual: practitioner }],
    period: { start: dateTime(ms), end: dateTime(endMs) },
    ...(planned.disease && { reasonCode: [planned.disease.code] }),
    ...(reason && { reasonReference: [reason] }),
    ...(planned.kind === 'inpatient' && {
      hospitalization: {
        dischargeDisposition: {
          coding: [
            { system: 'http://terminology.hl7.org/CodeSystem/discharge-disposition', code: 'home', display: 'Home' },
          ],
        },
      },
    }),
    serviceProvider: place,
  })
  return { ...planned, ms, endMs: Math.min(endMs, HISTORY_END_MS - HOUR_MS), age, type, encounter, practitioner, place }
}

function shape(code: string, display: string, snomed: string, type: string, from: number, to: number): Shape {
  return { class: code, display, type: concept(SNOMED, snomed, type), minutes: [from, to] as const }
}
