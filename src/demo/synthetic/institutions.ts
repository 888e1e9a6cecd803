/** Clinics, hospitals, payers, the people who work there and the medicines on their shelves: shared by all patients. */
import type { Chart } from './chart.ts'
import { DAY_MS, HISTORY_START_MS } from './calendar.ts'
import { hl7, RXNORM } from './coding.ts'
import { FAMILY_NAMES, GIVEN_NAMES, STREETS, TOWNS } from './names.ts'
import type { Person } from './person.ts'

export interface Ref {
  readonly reference: string
  readonly display?: string
}

export interface Institutions {
  readonly clinics: readonly Ref[]
  readonly hospital: Ref
  readonly payers: Readonly<Record<Person['payer'], Ref>>
  readonly practitioners: readonly Ref[]
  /** Medication resources by RxNorm code; other medicines are named by code only. */
  readonly medications: ReadonlyMap<string, Ref>
}

/** Medicines that have a resource of their own, with what is in the box. */
const STOCKED: readonly (readonly [code: string, display: string, form: string])[] = [
  ['106892', 'insulin human, isophane 70 UNT/ML / regular insulin, human 30 UNT/ML Injectable Suspension', 'injection'],
  ['745679', '200 ACTUAT albuterol 0.09 MG/ACTUAT Metered Dose Inhaler', 'inhaler'],
  [
    '896209',
    '60 ACTUAT fluticasone propionate 0.25 MG/ACTUAT / salmeterol 0.05 MG/ACTUAT Dry Powder Inhaler',
    'inhaler',
  ],
  ['705129', 'nitroglycerin 0.4 MG/ACTUAT Mucosal Spray', 'spray'],
]

const PRACTITIONERS = 12

export function addInstitutions(chart: Chart): Institutions {
  const clinics = TOWNS.slice(0, 4).map(({ city }, index) =>
    organization(chart, index + 1, `${city} Family Clinic`, 'prov'),
  )
  const hospital = organization(chart, 10, 'Alder County General Hospital', 'prov')
  const payers = {
    medicare: organization(chart, 20, 'Medicare', 'pay'),
    medicaid: organization(chart, 21, 'Medicaid', 'pay'),
    commercial: organization(chart, 22, 'Lamplight Mutual Health', 'pay'),
  }
  const practitioners = Array.from({ length: PRACTITIONERS }, (_, index) => practitioner(chart, index))
  const medications = new Map(
    STOCKED.map(([code, display, form]) => [
      code,
      {
        ...chart.add('Medication', HISTORY_START_MS, {
          code: { coding: [{ system: RXNORM, code, display }], text: display },
          status: 'active',
          form: { text: form },
        }),
        display,
      },
    ]),
  )
  return { clinics, hospital, payers, practitioners, medications }
}

function organization(chart: Chart, number: number, name: string, type: 'prov' | 'pay'): Ref {
  const { random } = chart
  const town = TOWNS[number % TOWNS.length]!
  const { reference } = chart.add('Organization', HISTORY_START_MS + random.whole(0, 900) * DAY_MS, {
    identifier:
      type === 'prov'
        ? [{ system: 'http://hl7.org/fhir/sid/us-npi', value: `19999${String(number).padStart(5, '0')}` }]
        : [{ system: 'https://payers.example/id', value: `PAYER-${number}` }],
    active: true,
    type: [hl7('organization-type', type, type === 'prov' ? 'Healthcare Provider' : 'Payer')],
    name,
    telecom: [{ system: 'phone', value: `(555) 555-01${number + 10}`, use: 'work' }],
    address: [{ line: [`${number} ${random.pick(STREETS)}`], ...town, country: 'US' }],
  })
  return { reference, display: name }
}

function practitioner(chart: Chart, index: number): Ref {
  const { random } = chart
  const gender = random.chance(0.5) ? 'female' : 'male'
  const [given, family] = [random.pick(GIVEN_NAMES[gender]), random.pick(FAMILY_NAMES)]
  const { reference } = chart.add('Practitioner', HISTORY_START_MS + random.whole(0, 900) * DAY_MS, {
    identifier: [{ system: 'http://hl7.org/fhir/sid/us-npi', value: `18888${String(index).padStart(5, '0')}` }],
    active: true,
    name: [{ use: 'official', family, given: [given], prefix: ['Dr.'] }],
    telecom: [{ system: 'email', value: `${family.toLowerCase()}${index}@clinic.example`, use: 'work' }],
    ...(random.chance(0.8) && { gender }),
    qualification: [{ code: hl7('v2-0360', random.chance(0.8) ? 'MD' : 'NP') }],
  })
  return { reference, display: `Dr. ${given} ${family}` }
}
