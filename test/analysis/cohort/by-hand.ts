/** The six examples worked out once more, resource by resource, without SQL. */

/* eslint-disable @typescript-eslint/no-explicit-any, @typescript-eslint/no-unsafe-member-access,
   @typescript-eslint/no-unsafe-assignment, @typescript-eslint/no-unsafe-argument, @typescript-eslint/no-unsafe-call,
   @typescript-eslint/no-unsafe-return */

export type Resources = Readonly<Record<string, readonly any[]>>
export type Values = Readonly<Record<string, number>>

const DAY_MS = 86_400_000
const SNOMED = 'http://snomed.info/sct'
const ICD10 = 'http://hl7.org/fhir/sid/icd-10-cm'
const LOINC = 'http://loinc.org'
const RXNORM = 'http://www.nlm.nih.gov/research/umls/rxnorm'

/** The day of an instant in UTC, as a number of days. */
const dayOf = (text: string) => Math.floor(Date.parse(text) / DAY_MS)
const patientOf = (resource: any): string => resource.subject?.reference?.replace('Patient/', '')
const codings = (concept: any): any[] => concept?.coding ?? []
const has = (concept: any, system: string, codes: RegExp) =>
  codings(concept).some((each) => each.system === system && codes.test(each.code))

function ageOn(patient: any, day: number): number {
  const [birth, on] = [patient.birthDate as string, new Date(day * DAY_MS).toISOString().slice(0, 10)]
  return Number(on.slice(0, 4)) - Number(birth.slice(0, 4)) - (on.slice(5) < birth.slice(5) ? 1 : 0)
}

export function today({ Encounter = [] }: Resources): number {
  return Math.max(...Encounter.map((each) => dayOf(each.period.start)))
}

function grouped<T>(items: Iterable<readonly [string, T]>): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const [key, item] of items) groups.set(key, [...(groups.get(key) ?? []), item])
  return groups
}

const isActive = (condition: any) =>
  ['active', 'recurrence', 'relapse'].includes(condition.clinicalStatus?.coding?.[0]?.code ?? 'active')
const isSure = (condition: any) =>
  !['refuted', 'entered-in-error'].includes(condition.verificationStatus?.coding?.[0]?.code ?? 'confirmed')

function withCondition({ Condition = [] }: Resources, snomed: RegExp, icd10: RegExp, onlyActive = true): Set<string> {
  return new Set(
    Condition.filter((each) => (!onlyActive || isActive(each)) && isSure(each))
      .filter(({ code }) => has(code, SNOMED, snomed) || has(code, ICD10, icd10))
      .map(patientOf),
  )
}

function members(resources: Resources, isIn: (patient: any) => boolean): string[] {
  return resources
    .Patient!.filter(isIn)
    .map((each) => each.id as string)
    .sort()
}

const within = (day: number, now: number, days: number) => day >= now - days && day <= now

function results(resources: Resources, loinc: RegExp, lookback: number): Map<string, any[]> {
  const now = today(resources)
  return grouped(
    resources
      .Observation!.filter(({ code, valueQuantity }) => has(code, LOINC, loinc) && valueQuantity?.value !== undefined)
      .filter(({ effectiveDateTime }) => within(dayOf(effectiveDateTime), now, lookback))
      .sort((a, b) => Date.parse(a.effectiveDateTime) - Date.parse(b.effectiveDateTime))
      .map((each) => [patientOf(each), each] as const),
  )
}

function diabetes(resources: Resources, values: Values): string[] {
  const diabetic = withCondition(resources, /^(44054006|46635009|73211009)$/, /^(E10|E11|E13)/)
  const measured = results(resources, /^(4548-4|4549-2|17856-6)$/, values.lookback_days!)
  return members(resources, (patient) => {
    const last = measured.get(patient.id)?.at(-1)
    if (last === undefined || !diabetic.has(patient.id)) return false
    const age = ageOn(patient, dayOf(last.effectiveDateTime))
    return last.valueQuantity.value > values.hba1c_above! && age >= values.age_min! && age <= values.age_max!
  })
}

function hypertension(resources: Resources, values: Values): string[] {
  const hypertensive = withCondition(resources, /^59621000$/, /^I10$/)
  const leftOut = withCondition(resources, /^(46177005|77386006|72892002)$/, /^(N18\.6$|Z33|Z34)/)
  const classes = new Map(resources.Encounter!.map((each) => [`Encounter/${each.id}`, each.class.code as string]))
  const now = today(resources)
  const readings = grouped(
    resources
      .Observation!.filter(({ code }) => has(code, LOINC, /^(85354-9|55284-4)$/))
      .filter(({ encounter }) => !['EMER', 'IMP', 'ACUTE'].includes(classes.get(encounter?.reference) ?? ''))
      .filter(({ effectiveDateTime }) => within(dayOf(effectiveDateTime), now, values.lookback_days!))
      .map((each) => [patientOf(each), each] as const),
  )
  const lowest = (all: any[], loinc: RegExp) =>
    Math.min(
      ...all
        .flatMap((each) => each.component.filter((part: any) => has(part.code, LOINC, loinc)))
        .map((part) => part.valueQuantity.value),
    )
  return members(resources, (patient) => {
    const own = readings.get(patient.id) ?? []
    if (own.length === 0 || !hypertensive.has(patient.id) || leftOut.has(patient.id)) return false
    const last = Math.max(...own.map((each) => dayOf(each.effectiveDateTime)))
    const ofDay = own.filter((each) => dayOf(each.effectiveDateTime) === last)
    const age = ageOn(patient, last)
    const isHigh =
      lowest(ofDay, /^8480-6$/) >= values.systolic_min! || lowest(ofDay, /^8462-4$/) >= values.diastolic_min!
    return isHigh && age >= values.age_min! && age <= values.age_max!
  })
}

function kidney(resources: Resources, values: Values): string[] {
  const measured = results(
    resources,
    /^(33914-3|48642-3|48643-1|62238-1|88293-6|88294-4|98979-8)$/,
    values.lookback_days!,
  )
  return members(resources, (patient) => {
    const days = new Map<number, number>()
    for (const { effectiveDateTime, valueQuantity } of measured.get(patient.id) ?? []) {
      const day = dayOf(effectiveDateTime)
      days.set(day, Math.max(days.get(day) ?? 0, valueQuantity.value))
    }
    const order = [...days].sort(([a], [b]) => a - b)
    const healthy = order.findLastIndex(([, value]) => value >= values.egfr_below!)
    const reduced = order.slice(healthy + 1).map(([day]) => day)
    if (reduced.length === 0) return false
    const last = reduced.at(-1)!
    return last - reduced[0]! >= values.apart_days! && ageOn(patient, last) >= values.age_min!
  })
}

function orders(resources: Resources, codes: RegExp, names: RegExp): any[] {
  const medications = new Map((resources.Medication ?? []).map((each) => [`Medication/${each.id}`, each.code]))
  return (resources.MedicationRequest ?? []).filter((each) => {
    const concept = each.medicationCodeableConcept ?? medications.get(each.medicationReference?.reference)
    return codings(concept).some(
      ({ system, code, display }) => system === RXNORM && (codes.test(code) || names.test(display ?? '')),
    )
  })
}

function opioids(resources: Resources, values: Values): string[] {
  const now = today(resources)
  const names =
    /\b(codeine|fentanyl|hydrocodone|hydromorphone|meperidine|methadone|morphine|oxycodone|oxymorphone|tapentadol|tramadol)\b/i
  const days = grouped(orders(resources, /^1049221$/, names).map((each) => [patientOf(each), dayOf(each.authoredOn)]))
  return members(resources, (patient) => {
    const own = [...new Set(days.get(patient.id) ?? [])].sort((a, b) => a - b)
    return own.some(
      (day, n) =>
        within(day, now, values.lookback_days!) &&
        (n === 0 || day - own[n - 1]! > values.washout_days!) &&
        ageOn(patient, day) >= values.age_min!,
    )
  })
}

function statins(resources: Resources, values: Values): string[] {
  const now = today(resources)
  const diseased = withCondition(
    resources,
    /^(53741008|414545008|22298006|399211009|230690007|399957001)$/,
    /^(I20|I21|I22|I24|I25|I63|I70)/,
    false,
  )
  const treated = new Set(
    orders(resources, /^(314231|312961)$/, /(atorva|fluva|lova|pitava|prava|rosuva|simva)statin/i)
      .filter(({ status, authoredOn }) => status === 'active' || dayOf(authoredOn) >= now - values.lookback_days!)
      .map(patientOf),
  )
  return members(
    resources,
    (patient) =>
      diseased.has(patient.id) &&
      !treated.has(patient.id) &&
      patient.deceasedBoolean !== true &&
      !(patient.deceasedDateTime !== undefined && dayOf(patient.deceasedDateTime) <= now) &&
      ageOn(patient, now) >= values.age_min!,
  )
}

function readmissions(resources: Resources, values: Values): string[] {
  const now = today(resources)
  const stays = grouped(
    resources
      .Encounter!.filter((each) => ['IMP', 'ACUTE', 'NONAC'].includes(each.class.code) && each.status === 'finished')
      .map((each) => [patientOf(each), each] as const),
  )
  return members(resources, (patient) => {
    const own = stays.get(patient.id) ?? []
    const discharges = own.filter((stay) => {
      const out = dayOf(stay.period.end)
      const died = codings(stay.hospitalization?.dischargeDisposition)[0]?.code === 'exp'
      const isBack = own.some(({ period }) => {
        const day = dayOf(period.start)
        return day > out && day <= out + values.within_days!
      })
      return isBack && !died && within(out, now, values.lookback_days!)
    })
    const last = Math.max(...discharges.map(({ period }) => dayOf(period.end)))
    return discharges.length > 0 && ageOn(patient, last) >= values.age_min!
  })
}

export const BY_HAND: Readonly<Record<string, (resources: Resources, values: Values) => string[]>> = {
  'diabetes-high-hba1c': diabetes,
  'hypertension-uncontrolled': hypertension,
  'ckd-by-egfr': kidney,
  'opioid-new-starts': opioids,
  'statin-gap': statins,
  'readmission-30-days': readmissions,
}
