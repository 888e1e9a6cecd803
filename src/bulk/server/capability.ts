/** What a server says of itself in CapabilityStatement and SMART configuration, and where that is less than is asked. */
import { jsonOf, oauthTokenUrl, objects, tokenUrlOf, type Published } from '../auth/discovery.ts'
import type { ExportLevel } from './level.ts'
import { scopeCovers } from '../auth/scope.ts'

/** A list that is undefined, or empty, says nothing. */
export interface ServerCapabilities {
  readonly software: string | undefined
  readonly fhirVersion: string | undefined
  /** Levels of the exports it lists. */
  readonly exports: readonly ExportLevel['kind'][]
  readonly types: readonly string[]
  /** Types it says can not be exported, and `Type.parameter` of searches that are no `_typeFilter`. */
  readonly notExported: readonly string[]
  readonly readsGroups: boolean
  readonly tokenUrl: URL | undefined
  readonly algorithms: readonly string[]
  readonly authMethods: readonly string[]
  readonly scopes: readonly string[]
  /** What could not be read, in words. */
  readonly notes: readonly string[]
}

export interface AskedOfServer {
  readonly level: ExportLevel
  readonly types: readonly string[]
  readonly typeFilters: readonly string[]
  /** As registered names (RFC 7591): private_key_jwt, client_secret_basic, client_secret_post; undefined: none. */
  readonly authMethod: string | undefined
  readonly algorithm: string | undefined
  readonly scope: string | undefined
}

interface Operation {
  readonly name?: unknown
  readonly definition?: unknown
}

interface Resource {
  readonly type?: unknown
  readonly operation?: unknown
  readonly interaction?: unknown
  readonly searchParam?: unknown
  readonly extension?: unknown
}

interface Rest {
  readonly operation?: unknown
  readonly resource?: unknown
}

export function capabilitiesOf(statement: Published, smart: Published, baseUrl: URL): ServerCapabilities {
  const capability = (jsonOf(statement) ?? {}) as Record<string, unknown>
  const { token_endpoint_auth_signing_alg_values_supported: algorithms, ...offered } = (jsonOf(smart) ?? {}) as Record<
    string,
    unknown
  >
  const software = (capability.software ?? {}) as Record<string, unknown>
  const rests = objects<Rest>(capability.rest)
  const resources = rests.flatMap((rest) => objects<Resource>(rest.resource))
  const group = resources.filter(({ type }) => type === 'Group')
  return {
    software: texts([software.name, software.version]).join(' ') || undefined,
    fhirVersion: texts([capability.fhirVersion])[0],
    exports: exportLevels(rests, resources),
    types: texts(resources.map(({ type }) => type)),
    notExported: resources.flatMap(notSupported),
    readsGroups: group.some(({ interaction }) =>
      objects<{ code?: unknown }>(interaction).some((i) => i.code === 'read'),
    ),
    tokenUrl: tokenUrlOf(jsonOf(smart), baseUrl) ?? oauthTokenUrl(capability, baseUrl),
    algorithms: texts(algorithms),
    authMethods: texts(offered.token_endpoint_auth_methods_supported),
    scopes: texts(offered.scopes_supported),
    notes: [...noteOf(statement, 'the CapabilityStatement'), ...noteOf(smart, 'the SMART configuration')],
  }
}

/** Where the server says that it can not do what is asked; a server that says nothing gives no warning. */
export function capabilityWarnings(capabilities: ServerCapabilities, asked: AskedOfServer): string[] {
  const { exports, types, notExported, algorithms, authMethods, scopes, fhirVersion } = capabilities
  const { level, algorithm, authMethod, scope } = asked
  const warnings: string[] = []
  if (fhirVersion !== undefined && !fhirVersion.startsWith('4.0'))
    warnings.push(`the server speaks FHIR ${fhirVersion}; the views are written for R4 (4.0)`)
  if (exports.length > 0 && !exports.includes(level.kind))
    warnings.push(`the server lists exports at level ${exports.join(' and ')}, not at level ${level.kind}`)
  const unknown = types.length === 0 ? [] : asked.types.filter((type) => !types.includes(type))
  if (unknown.length > 0) {
    const listed = asked.types.filter((type) => types.includes(type)).join(', ')
    warnings.push(`the server does not list the types ${unknown.join(', ')}; of types it lists ${listed || 'none'}`)
  }
  const refused = asked.types.filter((type) => notExported.includes(type))
  if (refused.length > 0) warnings.push(`the server says that ${refused.join(', ')} can not be exported`)
  const filters = asked.typeFilters.flatMap(searchesOf).filter((search) => notExported.includes(search))
  if (filters.length > 0) warnings.push(`the server says that ${filters.join(', ')} can not be used in typeFilters`)
  if (authMethod !== undefined && authMethods.length > 0 && !authMethods.includes(authMethod))
    warnings.push(`the server lets clients sign in by ${authMethods.join(', ')}, not by ${authMethod}`)
  if (algorithm !== undefined && algorithms.length > 0 && !algorithms.includes(algorithm))
    warnings.push(`the server takes signatures by ${algorithms.join(', ')}, not by ${algorithm}`)
  const missing = scopes.length === 0 ? [] : (scope?.split(/\s+/) ?? []).filter((each) => !scopeCovers(scopes, each))
  if (missing.length > 0) warnings.push(`the server does not list the scope ${missing.join(' ')}`)
  return warnings
}

/** Some servers list all three at the root, where the name, or that of the definition, tells them apart. */
function exportLevels(rests: readonly Rest[], resources: readonly Resource[]): ExportLevel['kind'][] {
  const found = new Set<ExportLevel['kind']>()
  for (const name of rests.flatMap((rest) => exportNames(rest.operation))) {
    const level = /(group|patient)/i.exec(name)?.[1]?.toLowerCase()
    found.add(level === 'group' || level === 'patient' ? level : 'system')
  }
  for (const { type, operation } of resources) {
    if (exportNames(operation).length === 0) continue
    if (type === 'Patient') found.add('patient')
    if (type === 'Group') found.add('group')
  }
  return (['system', 'patient', 'group'] as const).filter((level) => found.has(level))
}

/** `export`, `$export`, `patient-export`, `GroupExport`, `Group-i-export` (HAPI): name and definition of each export. */
function exportNames(operations: unknown): string[] {
  return objects<Operation>(operations)
    .map(({ name, definition }) => `${last(name)} ${last(definition)}`)
    .filter((names) => /export( |$)/i.test(names))
}

/** Of a canonical URL its last step, without the version. */
function last(value: unknown): string {
  return typeof value === 'string' ? value.replace(/\|.*$/, '').split('/').at(-1)! : ''
}

const NOT_SUPPORTED = 'http://hl7.org/fhir/uv/bulkdata/Extension/operation-not-supported'

/** Published under StructureDefinition/, written in the specification's own example under Extension/. */
function notSupported({ type, extension, searchParam }: Resource): string[] {
  const names = [NOT_SUPPORTED, NOT_SUPPORTED.replace('Extension', 'StructureDefinition')]
  const isMarked = (value: unknown) =>
    objects<{ url?: unknown }>(value).some(({ url }) => typeof url === 'string' && names.includes(url))
  const searches = objects<{ name?: unknown; extension?: unknown }>(searchParam).filter((each) =>
    isMarked(each.extension),
  )
  return [
    ...(isMarked(extension) ? texts([type]) : []),
    ...texts(searches.map(({ name }) => name)).map((name) => `${String(type)}.${name}`),
  ]
}

/** `Observation?code=a&status=final` is Observation.code and Observation.status; modifiers and chains are cut off. */
function searchesOf(filter: string): string[] {
  const [type = '', query = ''] = filter.split(/\?(.*)/s)
  return [...new URLSearchParams(query).keys()].map((name) => `${type}.${name.split(/[:.]/)[0]!}`)
}

function noteOf(document: Published, name: string): string[] {
  if (document.kind === 'json') return []
  return [document.kind === 'refused' ? `${name} is refused (${document.status})` : `${name} is no JSON`]
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : []
}
