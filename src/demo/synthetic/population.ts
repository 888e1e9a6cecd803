/** A population made up from a seed: people, their care of four years, and the institutions and groups around them. */
import { patientsOf } from '../compartment.ts'
import { randomFrom } from '../random.ts'
import type { FhirResource } from '../resource.ts'
import type { Version } from '../version.ts'
import { addAllergies } from './allergies.ts'
import { addBill, addCoverage, type Charge } from './billing.ts'
import { HISTORY_END_MS, YEAR_MS } from './calendar.ts'
import { Chart } from './chart.ts'
import { addAcuteCondition, addProblemList } from './conditions.ts'
import type { AcuteDisease, ChronicDisease } from './diseases.ts'
import { addImmunization, VaccinationCard } from './immunizations.ts'
import { addInstitutions, type Institutions } from './institutions.ts'
import { addPanel, panelsFor } from './laboratory.ts'
import { addMedicationRequest, medicinesFor, type Medicine } from './medications.ts'
import { addDepressionScore, addSmokingStatus, addVitalSigns } from './observations.ts'
import { addPatient } from './patient.ts'
import { makePerson, type Person } from './person.ts'
import { addProcedures } from './procedures.ts'
import { addEncounter, planVisits } from './visit.ts'

/** The resources of `syntheticResources` as the store takes them, whole in memory: about 200 KB a patient. */
export function* syntheticVersions(patients: number, seed: number): Generator<Version> {
  for (const resource of syntheticResources(patients, seed)) {
    yield {
      type: resource.resourceType,
      id: resource.id!,
      versionNumber: Number(resource.meta!.versionId),
      lastUpdatedMs: Date.parse(resource.meta!.lastUpdated!),
      patients: patientsOf(resource),
      content: JSON.stringify(resource),
    }
  }
}

/**
 * Institutions, then each patient with all that belongs to them, then the groups. The same seed gives the same
 * resources in the same order; a patient does not depend on how many come after.
 */
export function* syntheticResources(patients: number, seed: number): Generator<FhirResource> {
  const shared = new Chart(randomFrom(`${seed}/institutions`))
  const institutions = addInstitutions(shared)
  yield* shared.resources

  const people: Person[] = []
  for (let number = 1; number <= patients; number++) {
    const chart = new Chart(randomFrom(`${seed}/patient/${number}`))
    people.push(addLife(chart, number, institutions))
    yield* chart.resources
  }

  const groups = new Chart(randomFrom(`${seed}/groups`))
  addGroup(groups, 'everyone', 'Everyone', people)
  addGroup(
    groups,
    'diabetes',
    'People with type 2 diabetes',
    people.filter((person) => person.has('diabetes')),
  )
  addGroup(
    groups,
    'seniors',
    'People of 65 and more',
    people.filter((person) => person.age >= 65),
  )
  yield* groups.resources
}

function addLife(chart: Chart, number: number, institutions: Institutions): Person {
  const { random } = chart
  const person = makePerson(random, number)
  addPatient(chart, person, institutions.clinics[number % institutions.clinics.length]!)
  const coverage = addCoverage(chart, person, institutions)
  const problems = addProblemList(chart, person)
  const medicines = [...problems].flatMap(([disease, ref]) =>
    medicinesFor(random, disease.key, ref, { age: person.age, fromMs: person.onsetMs.get(disease) }),
  )
  const renewedMs = new Map<Medicine, number>()
  const vaccinations = new VaccinationCard()
  const untilMs = person.deathMs ?? HISTORY_END_MS

  for (const [index, planned] of planVisits(random, person).entries()) {
    const { disease } = planned
    if (index === 0) addAllergies(chart, person, planned.ms)
    const reason =
      disease &&
      (isAcute(disease) ? addAcuteCondition(chart, person, disease, planned.ms, untilMs) : problems.get(disease))
    const visit = addEncounter(chart, person, planned, institutions, reason)
    addVitalSigns(chart, person, visit)
    if (visit.kind === 'wellness' && visit.age >= 18) addSmokingStatus(chart, person, visit)
    if (disease?.key === 'depression' || (visit.kind === 'wellness' && visit.age > 40))
      addDepressionScore(chart, person, visit)

    const charges: Charge[] = addProcedures(chart, person, visit, reason).map(({ code, priceCents, procedure }) => ({
      code,
      cents: priceCents,
      procedure,
    }))
    for (const panel of panelsFor(person, visit, random)) {
      addPanel(chart, person, visit, panel)
      charges.push({ code: panel.code, cents: panel.priceCents })
    }
    for (const vaccine of vaccinations.due(random, visit)) {
      addImmunization(chart, person, visit, vaccine)
      charges.push({ code: vaccine.code, cents: vaccine.priceCents })
    }
    const passing = disease && reason && isAcute(disease) ? medicinesFor(random, disease.key, reason, visit) : []
    const renewed =
      visit.kind === 'wellness' || visit.kind === 'followUp'
        ? medicines.filter((each) => visit.ms >= each.fromMs && visit.ms - (renewedMs.get(each) ?? 0) >= YEAR_MS * 0.95)
        : []
    for (const medicine of [...passing, ...renewed]) {
      renewedMs.set(medicine, visit.ms)
      addMedicationRequest(chart, person, visit, institutions, medicine, untilMs)
    }
    addBill(chart, person, visit, coverage, institutions, reason, charges)
  }
  return person
}

function isAcute(disease: ChronicDisease | AcuteDisease): disease is AcuteDisease {
  return 'setting' in disease
}

function addGroup(chart: Chart, id: string, name: string, people: readonly Person[]): void {
  chart.add(
    'Group',
    HISTORY_END_MS,
    {
      active: true,
      type: 'person',
      actual: true,
      name,
      quantity: people.length,
      member: people.map((person) => ({ entity: { reference: `Patient/${person.id}` } })),
    },
    id,
  )
}
