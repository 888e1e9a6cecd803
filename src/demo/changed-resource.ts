/** A resource altered so that one sees it in its table, and a resource copied as a new one of today. */
import type { Random } from './random.ts'
import type { FhirResource } from './resource.ts'

type Elements = Record<string, unknown>
type Alteration = (resource: FhirResource, random: Random, instant: Date) => Elements

/** The resource with a change that its view shows, suited to its type: a house move, another value, a new status. */
export function altered(resource: FhirResource, random: Random, instant: Date): FhirResource {
  const alteration = ALTERATIONS[resource.resourceType] ?? inTurn('language', 'en', 'en-US')
  return withElements(resource, alteration(resource, random, instant))
}

/** A copy under a new id, dated at `instant`. */
export function copiedAsNew(resource: FhirResource, id: string, random: Random, instant: Date): FhirResource {
  const now = instant.toISOString()
  const { identifier: _identifier, meta: _meta, ...copy } = resource
  const dated: Readonly<Record<string, Elements>> = {
    Observation: { ...observed(resource, random), status: 'final', effectivePeriod: undefined, effectiveDateTime: now },
    Procedure: { performedPeriod: undefined, performedDateTime: now },
    Immunization: { occurrenceString: undefined, occurrenceDateTime: now },
    MedicationRequest: { status: 'active', authoredOn: now },
    Condition: {
      clinicalStatus: clinicalStatus('active'),
      recordedDate: now,
      onsetDateTime: now,
      ...without(resource, /^(onset|abatement)(?!DateTime)/),
      abatementDateTime: undefined,
    },
  }
  return withElements({ ...copy, id }, dated[resource.resourceType] ?? {})
}

const ALTERATIONS: Readonly<Record<string, Alteration>> = {
  Patient(resource, random) {
    const [first, ...others] = list(resource['address'])
    const line = [`${random.whole(200, 999)} New Orchard Road`]
    return { address: [first ? { ...first, line } : { use: 'home', line }, ...others] }
  },
  Observation: (resource, random) => ({
    ...observed(resource, random),
    ...inTurn('status', 'amended', 'corrected')(resource),
  }),
  Condition(resource, _random, instant) {
    const ended = resource['abatementDateTime'] !== undefined
    return {
      clinicalStatus: clinicalStatus(ended ? 'recurrence' : 'resolved'),
      ...without(resource, /^abatement/),
      abatementDateTime: ended ? undefined : instant.toISOString(),
    }
  },
  Encounter(resource) {
    const period = resource['period'] as { start?: string; end?: string } | undefined
    const endMs = Date.parse(period?.end ?? period?.start ?? '')
    if (Number.isNaN(endMs)) return inTurn('status', 'finished', 'in-progress')(resource)
    return { period: { ...period, end: new Date(endMs + 15 * 60_000).toISOString() } }
  },
  AllergyIntolerance: inTurn('criticality', 'high', 'low'),
  Claim: inTurn('status', 'active', 'cancelled'),
  Coverage: inTurn('status', 'active', 'cancelled'),
  DiagnosticReport: inTurn('status', 'amended', 'corrected'),
  ExplanationOfBenefit: inTurn('status', 'active', 'cancelled'),
  Immunization: inTurn('status', 'completed', 'entered-in-error'),
  Medication: inTurn('status', 'active', 'inactive'),
  MedicationRequest: inTurn('status', 'active', 'stopped'),
  Organization: newPhone,
  Practitioner: newPhone,
  Procedure: inTurn('status', 'completed', 'stopped'),
}

/** Sets `element` to the first of two values that it does not have. */
function inTurn(element: string, one: string, other: string): (resource: FhirResource) => Elements {
  return (resource) => ({ [element]: resource[element] === one ? other : one })
}

function newPhone(resource: FhirResource, random: Random): Elements {
  const others = list(resource['telecom']).filter((telecom) => telecom['system'] !== 'phone')
  return { telecom: [{ system: 'phone', value: `(555) 555-02${random.whole(10, 99)}` }, ...others] }
}

/** The measured quantities, each a little more or less than before. */
function observed(resource: FhirResource, random: Random): Elements {
  const shifted = (holder: Elements): Elements => {
    const quantity = holder['valueQuantity'] as { value?: unknown } | undefined
    if (typeof quantity?.value !== 'number') return {}
    const step = Math.max(0.1, Math.round(quantity.value * random.whole(2, 9)) / 100)
    return { valueQuantity: { ...quantity, value: Math.round((quantity.value + step) * 10) / 10 } }
  }
  const components = list(resource['component'])
  return {
    ...shifted(resource),
    ...(components.length > 0 && {
      component: components.map((component) => ({ ...component, ...shifted(component) })),
    }),
  }
}

function clinicalStatus(code: string): Elements {
  return { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code }] }
}

/** Elements whose name matches, to be taken away. */
function without(resource: FhirResource, name: RegExp): Elements {
  return Object.fromEntries(
    Object.keys(resource)
      .filter((key) => name.test(key))
      .map((key) => [key, undefined]),
  )
}

/** New elements in the place of the old; those that are undefined go. */
function withElements(resource: FhirResource, elements: Elements): FhirResource {
  const merged = Object.entries({ ...resource, ...elements }).filter(([, value]) => value !== undefined)
  return Object.fromEntries(merged) as unknown as FhirResource
}

function list(value: unknown): Elements[] {
  return Array.isArray(value) ? (value as Elements[]) : []
}
