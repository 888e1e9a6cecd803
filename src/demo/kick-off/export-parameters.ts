/** The parameters of a kick-off, understood and checked (hl7.org/fhir/uv/bulkdata/export.html#query-parameters). */
import type { KickOffBehaviour } from '../behaviour/kick-off-behaviour.ts'
import type { StatusBehaviour } from '../behaviour/status-behaviour.ts'
import { patientId } from '../compartment.ts'
import { Refusal } from '../refusal.ts'
import type { AskedParameter } from './asked-parameters.ts'
import { subsetting, type Alteration } from './elements.ts'
import { listedValues } from './parameter-lists.ts'
import { parseTypeFilter, type TypeFilter } from './type-filter.ts'

export interface ExportParameters {
  /** Undefined when the client did not choose; so with the others. */
  readonly types: ReadonlySet<string> | undefined
  readonly sinceMs: number | undefined
  /** `_since` is no instant, and the server took it all the same. */
  readonly badSince: boolean
  readonly untilMs: number | undefined
  /** Of a type that is filtered, what one of its filters admits. */
  readonly filters: readonly TypeFilter[]
  readonly elements: Alteration | undefined
  /** Ids. */
  readonly patients: readonly string[] | undefined
  /** `organizeOutputBy=Patient`. */
  readonly organized: boolean
  readonly partial: boolean
}

/** Turns a request down for what it asks, or notes a warning where the client wants lenience. */
export type Objection = (issue: string, message: string) => void

export interface ParameterTerms {
  readonly behaviour: KickOffBehaviour & Pick<StatusBehaviour, 'neverDoneFor'>
  readonly knowsType: (type: string) => boolean
  readonly object: Objection
}

const KNOWN: ReadonlySet<string> = new Set([
  '_since',
  '_until',
  '_type',
  '_typeFilter',
  '_elements',
  'patient',
  'includeAssociatedData',
  'organizeOutputBy',
  'allowPartialManifests',
  '_outputFormat',
])
const FORMATS: ReadonlySet<string> = new Set(['application/fhir+ndjson', 'application/ndjson', 'ndjson'])
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/

/** @throws Refusal (400) for a value it cannot use, whatever the client thinks of lenience. */
export function readParameters(all: readonly AskedParameter[], terms: ParameterTerms): ExportParameters {
  const { behaviour, knowsType, object } = terms
  const asked = all.filter((parameter) => supported(parameter, terms))
  const list = (name: string) => listedValues(asked, name, behaviour.lists)
  const last = (name: string) => asked.findLast((parameter) => parameter.name === name)?.value

  requireFormat(last('_outputFormat'))
  const types = list('_type')
  const unknown = types.filter((type) => !knowsType(type))
  if (unknown.length > 0) object('not-found', `_type names what is no resource type: ${unknown.join(', ')}.`)
  const organizer = last('organizeOutputBy')
  if (organizer !== undefined && organizer !== 'Patient')
    object('not-supported', 'Only organizeOutputBy=Patient is there.')
  const since = last('_since')
  const badSince = behaviour.neverDoneFor.includes('bad-since') && since !== undefined && !isInstant(since)
  const patients = list('patient').flatMap((reference) => patientId(reference) ?? refusePatient(reference, object))
  return {
    types: types.length > 0 ? new Set(types) : undefined,
    sinceMs: badSince ? undefined : instantMs('_since', since),
    badSince,
    untilMs: instantMs('_until', last('_until')),
    filters: list('_typeFilter').flatMap((query) => parseTypeFilter(query) ?? refuseFilter(object)),
    elements: subsetting(list('_elements')),
    patients: asked.some(({ name }) => name === 'patient') ? patients : undefined,
    organized: organizer === 'Patient',
    partial: last('allowPartialManifests') === 'true',
  }
}

/** `patient` is for the body alone: a list of patients does not belong in the logs that queries end in. */
function supported({ name, place }: AskedParameter, { behaviour, object }: ParameterTerms): boolean {
  const taken =
    KNOWN.has(name) && !behaviour.refusedParameters.includes(name) && (name !== 'patient' || place === 'body')
  if (!taken) object('not-supported', `The parameter ${name} is not supported; Prefer: handling=lenient ignores it.`)
  return taken
}

function requireFormat(format: string | undefined): void {
  if (format !== undefined && !FORMATS.has(withPlus(format))) {
    throw new Refusal(400, 'value', 'Only _outputFormat=ndjson is there.')
  }
}

function refusePatient(reference: string, object: Objection): [] {
  object('value', `patient must be a reference like Patient/1, not ${reference.slice(0, 100)}.`)
  return []
}

function refuseFilter(object: Objection): [] {
  object('not-supported', 'A _typeFilter is Type?search, with code, category, status, gender and date only.')
  return []
}

function instantMs(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  if (!isInstant(value)) throw new Refusal(400, 'value', `${name} must be an instant like 2026-01-31T12:00:00Z.`)
  return Date.parse(withPlus(value))
}

function isInstant(value: string): boolean {
  const instant = withPlus(value)
  return INSTANT.test(instant) && !Number.isNaN(Date.parse(instant))
}

/** An unescaped plus sign in a query arrives as a space. */
function withPlus(value: string): string {
  return value.replace(' ', '+')
}
