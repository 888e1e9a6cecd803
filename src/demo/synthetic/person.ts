/** One synthetic person before anything is written about them: who they are and what they suffer from. */
import type { Random } from '../random.ts'
import { DAY_MS, HISTORY_END_MS, HISTORY_START_MS, YEAR_MS } from './calendar.ts'
import { CHRONIC_DISEASES, type ChronicDisease } from './diseases.ts'
import { FAMILY_NAMES, GIVEN_NAMES, STREETS, TOWNS, type Town } from './names.ts'

export interface Person {
  readonly id: string
  readonly number: number
  readonly sex: 'female' | 'male'
  readonly given: readonly string[]
  readonly family: string
  readonly town: Town
  readonly street: string
  readonly origin: Origin
  readonly birthMs: number
  readonly deathMs: number | undefined
  /** Years at the end of the history, or at death. */
  readonly age: number
  readonly smoking: 'never' | 'former' | 'current'
  /** Of the person as an adult. */
  readonly heightCm: number
  readonly bodyMassIndex: number
  /** Average HbA1c in percent. */
  readonly a1c: number
  readonly payer: 'medicare' | 'medicaid' | 'commercial'
  /** When each chronic disease began. */
  readonly onsetMs: ReadonlyMap<ChronicDisease, number>
  readonly has: (disease: string) => boolean
}

export type Origin = 'white' | 'black' | 'asian' | 'native' | 'hispanic' | 'unknown'

export function makePerson(random: Random, number: number): Person {
  const age = random.weighted<number>([
    [11, random.whole(0, 9)],
    [12, random.whole(10, 19)],
    [13, random.whole(20, 34)],
    [14, random.whole(35, 44)],
    [15, random.whole(45, 54)],
    [15, random.whole(55, 64)],
    [12, random.whole(65, 74)],
    [8, random.whole(75, 93)],
  ])
  const deceased = random.chance(age > 74 ? 0.12 : age > 50 ? 0.02 : 0.002)
  const endMs = deceased ? HISTORY_END_MS - random.whole(20, 700) * DAY_MS : HISTORY_END_MS
  const birthMs = Math.floor((endMs - (age + random.next()) * YEAR_MS) / DAY_MS) * DAY_MS
  const sex = random.chance(0.52) ? 'female' : 'male'
  const diseases = new Map<ChronicDisease, number>()
  const keys = new Set<string>()
  const person: Person & { a1c: number } = {
    id: random.uuid(),
    number,
    sex,
    given: [random.pick(GIVEN_NAMES[sex]), ...(random.chance(0.6) ? [random.pick(GIVEN_NAMES[sex])] : [])],
    family: random.pick(FAMILY_NAMES),
    town: random.pick(TOWNS),
    street: `${random.whole(1, 180)} ${random.pick(STREETS)}`,
    origin: random.weighted<Origin>([
      [58, 'white'],
      [13, 'black'],
      [6, 'asian'],
      [1, 'native'],
      [18, 'hispanic'],
      [4, 'unknown'],
    ]),
    birthMs,
    deathMs: deceased ? endMs : undefined,
    age,
    smoking:
      age < 18
        ? 'never'
        : random.weighted([
            [62, 'never'],
            [24, 'former'],
            [14, 'current'],
          ]),
    heightCm: Math.round(random.bell(sex === 'female' ? 163 : 176, 6.5)),
    bodyMassIndex: Math.max(18, random.bell(28, 5.2)),
    payer: age >= 65 ? 'medicare' : random.chance(age < 18 ? 0.35 : 0.18) ? 'medicaid' : 'commercial',
    onsetMs: diseases,
    has: (disease: string) => keys.has(disease),
    a1c: 5.3,
  }
  for (const disease of CHRONIC_DISEASES) {
    if (!random.chance(disease.prevalence(person))) continue
    keys.add(disease.key)
    diseases.set(disease, onset(random, person, endMs))
  }
  // About six in ten people with diabetes reach their goal, one in seven is far from it.
  person.a1c = person.has('diabetes')
    ? random.weighted([
        [58, random.bell(6.7, 0.25)],
        [28, random.bell(8, 0.35)],
        [14, random.bell(10.2, 0.7)],
      ])
    : random.bell(person.has('prediabetes') ? 6 : 5.3, 0.12)
  return person
}

/** Somewhere in the later half of life so far, yet before the end of the history's first three quarters. */
function onset(random: Random, { birthMs }: Person, endMs: number): number {
  const latest = Math.max(birthMs, Math.min(endMs, HISTORY_START_MS + 3 * YEAR_MS)) - 60 * DAY_MS
  const lived = Math.max(0, latest - birthMs)
  return birthMs + Math.floor((lived * (0.5 + random.next() / 2)) / DAY_MS) * DAY_MS
}
