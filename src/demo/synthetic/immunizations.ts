/** Vaccinations at the visits where they are due. */
import type { Random } from '../random.ts'
import type { Chart } from './chart.ts'
import { date, dateTime, YEAR_MS } from './calendar.ts'
import { concept, CVX, quantity, type CodeableConcept } from './coding.ts'
import type { Person } from './person.ts'
import type { Visit } from './visit.ts'

export interface Vaccine {
  readonly code: CodeableConcept
  readonly priceCents: number
  /** Ages in years at which a dose is due, within the next year. */
  readonly dueAges?: readonly number[]
}

const INFLUENZA: Vaccine = vaccine('140', 'Influenza, seasonal, injectable, preservative free', 4200)
const COVID: Vaccine = vaccine('213', 'SARS-COV-2 (COVID-19) vaccine, UNSPECIFIED', 14_000)

const SCHEDULE: readonly Vaccine[] = [
  vaccine('08', 'Hep B, adolescent or pediatric', 3800, [0.08, 0.17, 0.5]),
  vaccine('119', 'rotavirus, monovalent', 12_100, [0.17, 0.33]),
  vaccine('20', 'DTaP', 3600, [0.17, 0.33, 0.5, 1.25, 4]),
  vaccine('10', 'IPV', 4100, [0.17, 0.33, 0.75, 4]),
  vaccine('133', 'Pneumococcal conjugate PCV 13', 21_000, [0.17, 0.33, 0.5, 1]),
  vaccine('03', 'MMR', 8800, [1, 4]),
  vaccine('21', 'varicella', 14_500, [1, 4]),
  vaccine('83', 'Hep A, ped/adol, 2 dose', 3900, [1.25, 2]),
  vaccine('115', 'Tdap', 4700, [11]),
  vaccine('114', 'meningococcal MCV4P', 13_900, [11, 16]),
  vaccine('62', 'HPV, quadrivalent', 23_000, [11, 12]),
  vaccine('113', 'Td (adult) preservative free', 3300, [21, 31, 41, 51, 61, 71]),
  vaccine('187', 'zoster recombinant', 18_600, [50]),
  vaccine('33', 'pneumococcal polysaccharide vaccine, 23 valent', 11_800, [65]),
]

/** Keeps what a person has had, so that no dose is given twice. */
export class VaccinationCard {
  readonly #given = new Set<string>()

  /** What is given at a visit, marked as given. */
  due(random: Random, visit: Visit): Vaccine[] {
    if (visit.kind !== 'wellness' && visit.kind !== 'followUp') return []
    const season = Math.floor(visit.ms / YEAR_MS)
    const wanted = SCHEDULE.filter((each) =>
      each.dueAges?.some(
        (age) =>
          visit.age >= age - 0.02 && visit.age < age + (age < 4 ? 0.2 : 1) && this.#first(`${each.code.text}/${age}`),
      ),
    )
    if (visit.age > 0.5 && random.chance(visit.age > 60 ? 0.65 : 0.4) && this.#first(`flu/${season}`))
      wanted.push(INFLUENZA)
    if (visit.age > 12 && random.chance(0.18) && this.#first(`covid/${season}`)) wanted.push(COVID)
    return wanted
  }

  #first(dose: string): boolean {
    const isNew = !this.#given.has(dose)
    this.#given.add(dose)
    return isNew
  }
}

export function addImmunization(chart: Chart, person: Person, visit: Visit, { code }: Vaccine): void {
  const { random } = chart
  const refused = random.chance(0.015)
  chart.add('Immunization', visit.ms, {
    status: refused ? 'not-done' : 'completed',
    vaccineCode: code,
    patient: { reference: `Patient/${person.id}` },
    encounter: visit.encounter,
    occurrenceDateTime: random.chance(0.9) ? dateTime(visit.ms) : date(visit.ms),
    primarySource: true,
    ...(!refused &&
      random.chance(0.8) && {
        lotNumber: `L${random.whole(1000, 9999)}`,
        expirationDate: date(visit.ms + YEAR_MS),
        doseQuantity: quantity(0.5, 'mL'),
        performer: [{ actor: visit.practitioner }],
      }),
  })
}

function vaccine(cvx: string, display: string, priceCents: number, dueAges?: readonly number[]): Vaccine {
  return { code: concept(CVX, cvx, display), priceCents, ...(dueAges && { dueAges }) }
}
