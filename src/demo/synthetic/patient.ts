/** A person as a Patient resource, with US Core's extensions; what is missing is missing on purpose. */
import type { Chart } from './chart.ts'
import { date, dateTime, DAY_MS, HISTORY_END_MS } from './calendar.ts'
import { hl7, type Coding } from './coding.ts'
import { FAMILY_NAMES } from './names.ts'
import type { Origin, Person } from './person.ts'

const US_CORE = 'http://hl7.org/fhir/us/core/StructureDefinition/us-core'
const MARITAL = 'http://terminology.hl7.org/CodeSystem/v3-MaritalStatus'

const RACES: Readonly<Record<Origin, readonly [code: string, display: string]>> = {
  white: ['2106-3', 'White'],
  black: ['2054-5', 'Black or African American'],
  asian: ['2028-9', 'Asian'],
  native: ['1002-5', 'American Indian or Alaska Native'],
  hispanic: ['2106-3', 'White'],
  unknown: ['UNK', 'Unknown'],
}

export function addPatient(chart: Chart, person: Person, clinic: { readonly reference: string }): void {
  const { random } = chart
  const { id, number, sex, given, family, town, street, birthMs, deathMs, age } = person
  const married = age > 24 && random.chance(0.55)
  const birth = date(birthMs)
  const digits = String(number).padStart(4, '0')
  const use = random.chance(0.8) ? 'official' : 'usual'
  chart.add(
    'Patient',
    (deathMs ?? HISTORY_END_MS) - random.whole(1, 200) * DAY_MS,
    {
      extension: [
        ...extensions(person.origin),
        { url: `${US_CORE}-birthsex`, valueCode: sex === 'female' ? 'F' : 'M' },
      ],
      identifier: [
        {
          use: 'usual',
          type: hl7('v2-0203', 'MR', 'Medical Record Number'),
          system: 'https://hospital.example/mrn',
          value: `MRN-${digits}`,
        },
        ...(random.chance(0.4)
          ? [{ type: hl7('v2-0203', 'DL'), system: 'https://dmv.example/license', value: `S999${digits}` }]
          : []),
      ],
      active: true,
      name: [
        { use, family, given, ...(age > 20 && random.chance(0.3) && { prefix: [sex === 'female' ? 'Ms.' : 'Mr.'] }) },
        ...(married && sex === 'female' && random.chance(0.7)
          ? [{ use: 'maiden', family: random.pick(FAMILY_NAMES), given }]
          : []),
      ],
      telecom: [
        ...(random.chance(0.9) ? [{ system: 'phone', value: `(555) 555-01${random.whole(10, 99)}`, use: 'home' }] : []),
        ...(age > 15 && random.chance(0.6) ? [{ system: 'email', value: `person${digits}@mail.example` }] : []),
      ],
      gender: sex,
      // A few records know the month only.
      birthDate: random.chance(0.02) ? birth.slice(0, 7) : birth,
      ...(deathMs !== undefined && { deceasedDateTime: dateTime(deathMs) }),
      ...(random.chance(0.96) && {
        address: [
          {
            use: 'home',
            line: [street, ...(random.chance(0.15) ? [`Apt ${random.whole(1, 40)}`] : [])],
            ...town,
            country: 'US',
          },
          ...(random.chance(0.05) ? [{ use: 'old', line: ['1 Former Street'], city: 'Elsewhere', country: 'US' }] : []),
        ],
      }),
      ...(age > 15 && {
        maritalStatus: {
          coding: [
            married
              ? { system: MARITAL, code: 'M', display: 'Married' }
              : { system: MARITAL, code: 'S', display: 'Never Married' },
          ],
        },
      }),
      communication: [
        { language: { coding: [language(person.origin === 'hispanic' && random.chance(0.5))] }, preferred: true },
      ],
      managingOrganization: clinic,
    },
    id,
  )
}

function extensions(origin: Origin): object[] {
  const [code, display] = RACES[origin]
  const system =
    code === 'UNK' ? 'http://terminology.hl7.org/CodeSystem/v3-NullFlavor' : 'urn:oid:2.16.840.1.113883.6.238'
  const ethnicity: Coding =
    origin === 'hispanic'
      ? { system: 'urn:oid:2.16.840.1.113883.6.238', code: '2135-2', display: 'Hispanic or Latino' }
      : { system: 'urn:oid:2.16.840.1.113883.6.238', code: '2186-5', display: 'Not Hispanic or Latino' }
  return [
    {
      url: `${US_CORE}-race`,
      extension: [
        { url: 'ombCategory', valueCoding: { system, code, display } },
        { url: 'text', valueString: display },
      ],
    },
    // Nobody asked those whose origin is unknown.
    ...(origin === 'unknown'
      ? []
      : [
          {
            url: `${US_CORE}-ethnicity`,
            extension: [
              { url: 'ombCategory', valueCoding: ethnicity },
              { url: 'text', valueString: ethnicity.display },
            ],
          },
        ]),
  ]
}

function language(spanish: boolean): Coding {
  return spanish
    ? { system: 'urn:ietf:bcp:47', code: 'es', display: 'Spanish' }
    : { system: 'urn:ietf:bcp:47', code: 'en', display: 'English' }
}
