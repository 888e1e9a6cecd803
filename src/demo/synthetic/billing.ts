/** The money: Coverage, a visit's Claim, and the payer's ExplanationOfBenefit; whole cents that add up. */
import type { Chart } from './chart.ts'
import { date, dateTime, DAY_MS, HISTORY_END_MS, HISTORY_START_MS, YEAR_MS } from './calendar.ts'
import { hl7, usd, type CodeableConcept } from './coding.ts'
import type { Institutions, Ref } from './institutions.ts'
import type { Person } from './person.ts'
import type { Visit } from './visit.ts'

export interface Charge {
  readonly code: CodeableConcept
  readonly cents: number
  readonly procedure?: Ref
}

const VISIT_CENTS: Readonly<Record<Visit['kind'], number>> = {
  wellness: 16_500,
  followUp: 11_900,
  acute: 10_400,
  emergency: 88_000,
  inpatient: 265_000,
}
/** Share of the charge that the payer accepts, and share of that which is left to the patient. */
const TERMS: Readonly<Record<Person['payer'], readonly [allowed: number, own: number]>> = {
  medicare: [0.72, 0.2],
  medicaid: [0.58, 0],
  commercial: [0.81, 0.15],
}

export function addCoverage(chart: Chart, person: Person, { payers }: Institutions): Ref {
  const { random } = chart
  const payer = payers[person.payer]
  const startMs = Math.max(HISTORY_START_MS - random.whole(0, 6) * YEAR_MS, person.birthMs)
  return chart.add('Coverage', startMs, {
    status: 'active',
    type:
      person.payer === 'medicare'
        ? hl7('v3-ActCode', 'RETIRE')
        : hl7('v3-ActCode', person.payer === 'medicaid' ? 'SUBSIDIZ' : 'EHCPOL'),
    subscriberId: `S${String(person.number).padStart(6, '0')}`,
    beneficiary: { reference: `Patient/${person.id}` },
    relationship: hl7('subscriber-relationship', person.age < 18 ? 'child' : 'self'),
    period: { start: date(startMs), ...(person.deathMs !== undefined && { end: date(person.deathMs) }) },
    payor: [payer],
    class: [
      {
        type: hl7('coverage-class', 'plan'),
        value: `PLAN-${person.payer.slice(0, 4).toUpperCase()}`,
        name: payer.display,
      },
    ],
  })
}

export function addBill(
  chart: Chart,
  person: Person,
  visit: Visit,
  coverage: Ref,
  institutions: Institutions,
  reason: Ref | undefined,
  charges: readonly Charge[],
): void {
  const { random } = chart
  const { endMs } = visit
  const payer = institutions.payers[person.payer]
  const items: readonly Charge[] = [{ code: visit.type, cents: varied(random, VISIT_CENTS[visit.kind]) }, ...charges]
  const procedures = items.flatMap(({ procedure }) => procedure ?? [])
  const shared = {
    status: 'active',
    type: hl7(
      'claim-type',
      visit.kind === 'emergency' || visit.kind === 'inpatient' ? 'institutional' : 'professional',
    ),
    use: 'claim',
    patient: { reference: `Patient/${person.id}` },
    billablePeriod: { start: dateTime(visit.ms), end: dateTime(endMs) },
    provider: visit.place,
    ...(reason && {
      diagnosis: [{ sequence: 1, diagnosisReference: reason, type: [hl7('ex-diagnosistype', 'principal')] }],
    }),
    ...(procedures.length > 0 && {
      procedure: procedures.map((procedureReference, index) => ({ sequence: index + 1, procedureReference })),
    }),
  }
  const item = (charge: Charge, index: number) => ({
    sequence: index + 1,
    ...(reason && { diagnosisSequence: [1] }),
    ...(charge.procedure && { procedureSequence: [procedures.indexOf(charge.procedure) + 1] }),
    productOrService: charge.code,
    servicedPeriod: { start: dateTime(visit.ms), end: dateTime(endMs) },
    quantity: { value: 1 },
    unitPrice: usd(charge.cents),
    net: usd(charge.cents),
    ...(index === 0 && { encounter: [visit.encounter] }),
  })

  const claim = chart.add('Claim', endMs, {
    ...shared,
    created: dateTime(endMs),
    priority: hl7('processpriority', 'normal'),
    insurance: [{ sequence: 1, focal: true, coverage }],
    item: items.map(item),
    total: usd(items.reduce((sum, { cents }) => sum + cents, 0)),
  })
  const decidedMs = endMs + random.whole(5, 35) * DAY_MS
  // What was billed last is still with the payer.
  if (decidedMs > HISTORY_END_MS) return

  const shares = items.map(({ cents }) => divided(cents, person))
  const sum = (part: keyof Shares) => shares.reduce((total, each) => total + each[part], 0)
  // Some payers put the coverage into the document instead of referring to it.
  const contained = random.chance(0.2)
  chart.add('ExplanationOfBenefit', decidedMs, {
    ...(contained && {
      contained: [
        {
          resourceType: 'Coverage',
          id: 'coverage',
          status: 'active',
          type: { text: payer.display },
          beneficiary: { reference: `Patient/${person.id}` },
          payor: [{ display: payer.display }],
        },
      ],
    }),
    identifier: [
      { system: 'https://payers.example/claim-number', value: `C${random.whole(100_000_000, 999_999_999)}` },
    ],
    ...shared,
    created: date(decidedMs),
    insurer: payer,
    claim,
    outcome: 'complete',
    careTeam: [{ sequence: 1, provider: visit.practitioner, role: hl7('claimcareteamrole', 'primary') }],
    insurance: [{ focal: true, coverage: contained ? { reference: '#coverage', display: payer.display } : coverage }],
    item: items.map((charge, index) => ({ ...item(charge, index), adjudication: amounts(shares[index]!) })),
    total: amounts({
      submitted: sum('submitted'),
      eligible: sum('eligible'),
      coinsurance: sum('coinsurance'),
      benefit: sum('benefit'),
    }),
    payment: { amount: usd(sum('benefit')), date: date(Math.min(decidedMs + 3 * DAY_MS, HISTORY_END_MS)) },
  })
}

interface Shares {
  readonly submitted: number
  readonly eligible: number
  readonly coinsurance: number
  readonly benefit: number
}

/** In cents: the patient's and the payer's share make up what the payer accepts of the charge. */
function divided(submitted: number, { payer }: Person): Shares {
  const [allowed, own] = TERMS[payer]
  const eligible = Math.round(submitted * allowed)
  const coinsurance = Math.round(eligible * own)
  return { submitted, eligible, coinsurance, benefit: eligible - coinsurance }
}

function amounts(shares: Shares): object[] {
  return (['submitted', 'eligible', 'coinsurance', 'benefit'] as const).map((part) => ({
    category:
      part === 'coinsurance'
        ? { coding: [{ system: 'http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudication', code: part }] }
        : hl7('adjudication', part),
    amount: usd(shares[part]),
  }))
}

function varied(random: Chart['random'], cents: number): number {
  return Math.round(cents * (0.85 + random.next() * 0.3))
}
