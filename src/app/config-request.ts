/** What every export of a source asks for beside types and `_since`, checked against FHIR and the server's profile. */
import type { ExportParameter, ServerProfile } from '../bulk/server/profile.ts'
import { nearestName } from '../core/nearest-name.ts'
import { fhirTypes as fhirElements } from '../views/fhir-types.ts'
import type { ConfigFields } from './config-fields.ts'

/** What every export of a source asks for beside types and `_since`; undefined or empty is not sent. */
export interface RequestConfig {
  /** `Type?query`, each of a type among `types`. */
  readonly typeFilters: readonly string[]
  /** `element` or `Type.element`; what comes is marked SUBSETTED. */
  readonly elements: readonly string[]
  /** `LatestProvenanceResources`, `RelevantProvenanceResources`, or a server's own, which begin with `_`. */
  readonly includeAssociatedData: readonly string[]
  /** A resource type. */
  readonly organizeOutputBy: string | undefined
  readonly allowPartialManifests: boolean | undefined
}

export interface RequestSurroundings {
  /** The source's. */
  readonly types: readonly string[]
  readonly profile: ServerProfile
  /** Every resource type of FHIR. */
  readonly fhirTypes: ReadonlySet<string>
}

/** Keys of a source and the parameter each of them sends. */
const PARAMETERS: Readonly<Record<keyof RequestConfig, ExportParameter>> = {
  typeFilters: '_typeFilter',
  elements: '_elements',
  includeAssociatedData: 'includeAssociatedData',
  organizeOutputBy: 'organizeOutputBy',
  allowPartialManifests: 'allowPartialManifests',
}

export function readRequest(fields: ConfigFields, surroundings: RequestSurroundings): RequestConfig {
  const { profile } = surroundings
  for (const [key, parameter] of Object.entries(PARAMETERS)) {
    if (!fields.has(key) || profile.kickOff.reads.includes(parameter)) continue
    const problem = `servers of profile ${profile.name} do not read ${parameter}`
    fields.mistake(key, problem, 'Leave it out, or name another profile if this server reads it.')
  }
  return {
    typeFilters: readTypeFilters(fields, surroundings),
    elements: readElements(fields, surroundings),
    includeAssociatedData: readAssociatedData(fields, surroundings),
    organizeOutputBy: readOrganizeBy(fields, surroundings),
    allowPartialManifests: fields.flag('allowPartialManifests'),
  }
}

/** FHIR search, "Managing Returned Resources": the specification excludes these from `_typeFilter`. */
const RESULT_PARAMETERS =
  /^_(sort|count|include|revinclude|summary|total|elements|contained|containedType|score|graph|maxresults)(:|$)/

function readTypeFilters(fields: ConfigFields, { types, profile }: RequestSurroundings): readonly string[] {
  const { filtersPerType } = profile.kickOff
  const filters: string[] = []
  const counts = new Map<string, number>()
  for (const { text, path } of fields.texts('typeFilters')) {
    const wrong = (problem: string, wayOut: string) => fields.findings.mistake(path, problem, wayOut)
    const match = /^([A-Za-z]+)\?(.+)$/s.exec(text)
    if (match === null) {
      wrong('is no type with a query', 'Write it as Type?parameter=value: Observation?category=laboratory.')
      continue
    }
    const [, type = '', query = ''] = match
    if (!types.includes(type)) wrong(`is of ${type}, which is not among types`, unlisted(type, types))
    const result = [...new URLSearchParams(query).keys()].find((name) => RESULT_PARAMETERS.test(name))
    if (result !== undefined)
      wrong(`${result} shapes a search result and filters nothing`, 'Leave it out of the filter.')
    const count = (counts.get(type) ?? 0) + 1
    counts.set(type, count)
    if (filtersPerType !== undefined && count > filtersPerType) {
      const problem = `servers of profile ${profile.name} read ${filtersPerType} filter for each type`
      wrong(problem, `Join the filters of ${type} into one, or keep one of them.`)
    }
    filters.push(text)
  }
  return filters
}

function readElements(fields: ConfigFields, { types }: RequestSurroundings): readonly string[] {
  const known = fhirElements('R4')
  // Of types that came after R4 the elements are not known here.
  const isOpen = types.some((type) => !known.isResource(type))
  const named = fields.texts('elements')
  for (const { text, path } of named) {
    const wrong = (problem: string, wayOut: string) => fields.findings.mistake(path, problem, wayOut)
    const match = /^(?:([A-Z][A-Za-z]*)\.)?([a-z][A-Za-z]*)$/.exec(text)
    if (match === null) {
      wrong(
        'is no element of a resource',
        'Write birthDate or Patient.birthDate; elements within elements can not be asked for.',
      )
      continue
    }
    const [, type, element = ''] = match
    if (type !== undefined && !types.includes(type)) {
      wrong(`is of ${type}, which is not among types`, unlisted(type, types))
      continue
    }
    const owners = (type === undefined ? types : [type]).filter((each) => known.isResource(each))
    if (owners.some((each) => known.element(each, element) !== undefined)) continue
    if (type === undefined ? isOpen : owners.length === 0) continue
    const names = owners.flatMap((each) => known.elements(each).map(({ name }) => name))
    const nearest = nearestName(element, names)
    const holder = type ?? 'none of the types'
    const wayOut = nearest === undefined ? 'See the type at hl7.org/fhir/R4.' : `Did you mean '${nearest}'?`
    wrong(type === undefined ? `${holder} has an element ${element}` : `${holder} has no element ${element}`, wayOut)
  }
  if (named.length > 0) {
    const problem = 'resources come with some elements only, marked SUBSETTED: one never replaces a whole one'
    fields.warning(
      'elements',
      problem,
      'Leave elements out to load whole resources; columns of other elements stay empty.',
    )
  }
  return named.map(({ text }) => text)
}

const ASSOCIATED_DATA = ['LatestProvenanceResources', 'RelevantProvenanceResources']

function readAssociatedData(fields: ConfigFields, { types }: RequestSurroundings): readonly string[] {
  const named = fields.texts('includeAssociatedData')
  for (const { text, path } of named) {
    if (ASSOCIATED_DATA.includes(text) || /^_\w+$/.test(text)) continue
    const nearest = nearestName(text, ASSOCIATED_DATA)
    const wayOut = nearest === undefined ? "A server's own codes begin with _." : `Did you mean '${nearest}'?`
    fields.findings.mistake(path, `is neither ${ASSOCIATED_DATA.join(' nor ')}`, wayOut)
  }
  if (named.some(({ text }) => ASSOCIATED_DATA.includes(text)) && !types.includes('Provenance')) {
    const problem = 'Provenance is asked for and is not among types, so none of it is loaded'
    fields.warning('includeAssociatedData', problem, 'Add Provenance to types.')
  }
  return named.map(({ text }) => text)
}

function readOrganizeBy(fields: ConfigFields, { fhirTypes }: RequestSurroundings): string | undefined {
  const type = fields.text('organizeOutputBy')
  if (type === undefined || fhirTypes.has(type)) return type
  const nearest = nearestName(type, fhirTypes)
  const wayOut = nearest === undefined ? 'Most servers that know it know Patient.' : `Did you mean '${nearest}'?`
  fields.mistake('organizeOutputBy', 'is no type of FHIR', wayOut)
  return undefined
}

function unlisted(type: string, types: readonly string[]): string {
  const nearest = nearestName(type, types)
  return nearest === undefined ? `Add ${type} to types, or leave it out.` : `Did you mean '${nearest}'?`
}
