/** The parameters of `$export`, of every version of the specification: as a query string and as a resource. Pure. */
import { StokerError } from '../../core/errors.ts'
import type { ExportLevel } from '../server/level.ts'
import type { ExportRequest } from './kick-off.ts'
import type { ExportParameter, ServerProfile } from '../server/profile.ts'

/** One parameter with what was asked for it; never without a value. */
export interface AskedParameter {
  readonly name: ExportParameter
  readonly values: readonly string[]
}

type KickOffProfile = ServerProfile['kickOff']

/**
 * What of a request goes to this server, in the order of the specification, and what it would not read. A parameter that
 * a server ignores gives an export of something else than was asked: so it is left out, and the caller told.
 * @throws StokerError BULK_LEVEL when the server has no such export
 */
export function parametersFor(
  request: ExportRequest,
  profile: Pick<ServerProfile, 'name' | 'kickOff'>,
): { readonly asked: readonly AskedParameter[]; readonly leftOut: readonly ExportParameter[] } {
  const { kickOff, name } = profile
  if (!kickOff.levels.includes(request.level.kind)) {
    throw new StokerError('BULK_LEVEL', `servers of profile ${name} have no export at level ${request.level.kind}`, {
      hint: `use level ${kickOff.levels.join(' or ')}, or name another profile if this server has it`,
      facts: { profile: name, level: request.level.kind },
    })
  }
  const all = allParameters(withDefaults(request, kickOff))
  const isRead = ({ name: each }: AskedParameter) =>
    kickOff.reads.includes(each) && !(each === 'patient' && request.level.kind === 'system')
  return { asked: all.filter(isRead), leftOut: all.filter((each) => !isRead(each)).map((each) => each.name) }
}

/**
 * The query of a GET, without `?`. Lists are written as the server reads them; where filters are joined by commas, a comma
 * inside one is escaped as in FHIR's search.
 */
export function exportQuery(asked: readonly AskedParameter[], { lists, typeFilters }: KickOffProfile): string {
  return asked
    .flatMap(({ name, values }) => {
      const isFilter = name === '_typeFilter'
      if ((isFilter ? typeFilters : lists) === 'repeated') return values.map((value) => `${name}=${encoded(value)}`)
      const parts = isFilter ? values.map((value) => value.replaceAll(',', '\\,')) : values
      return [`${name}=${parts.map(encoded).join(',')}`]
    })
    .join('&')
}

/** The `Parameters` resource of a POST: one entry for each value, since version 4 knows no comma lists. */
export function exportParameters(asked: readonly AskedParameter[], { associatedData }: KickOffProfile): object {
  const parameter = asked.flatMap(({ name, values }) =>
    values.map((value) => ({ name, ...valueOf(name, value, associatedData) })),
  )
  return { resourceType: 'Parameters', parameter }
}

/** `$export`'s path below the base. */
export function exportPath(level: ExportLevel): string {
  switch (level.kind) {
    case 'system':
      return '$export'
    case 'patient':
      return 'Patient/$export'
    case 'group':
      return `Group/${encodeURIComponent(level.id)}/$export`
  }
}

function withDefaults(request: ExportRequest, { organizeGroupsBy }: KickOffProfile): ExportRequest {
  if (request.level.kind !== 'group' || request.organizeOutputBy !== undefined) return request
  return { ...request, organizeOutputBy: organizeGroupsBy }
}

function allParameters(request: ExportRequest): AskedParameter[] {
  const partial = request.allowPartialManifests
  const values: Readonly<Record<ExportParameter, readonly string[]>> = {
    _type: request.types,
    _since: one(request.since),
    _until: one(request.until),
    _elements: request.elements ?? [],
    _typeFilter: request.typeFilters ?? [],
    _outputFormat: one(request.outputFormat),
    patient: (request.patients ?? []).map((id) => `Patient/${id}`),
    includeAssociatedData: request.includeAssociatedData ?? [],
    organizeOutputBy: one(request.organizeOutputBy),
    allowPartialManifests: partial === undefined ? [] : [String(partial)],
  }
  return (Object.keys(values) as ExportParameter[])
    .map((name) => ({ name, values: values[name] }))
    .filter((each) => each.values.length > 0)
}

function one(value: string | undefined): readonly string[] {
  return value === undefined ? [] : [value]
}

/** Types by the OperationDefinitions of $export; includeAssociatedData was a code until version 4 made it a Coding. */
function valueOf(name: ExportParameter, value: string, associatedData: KickOffProfile['associatedData']): object {
  switch (name) {
    case '_since':
    case '_until':
      return { valueInstant: value }
    case 'patient':
      return { valueReference: { reference: value } }
    case 'allowPartialManifests':
      return { valueBoolean: value === 'true' }
    case 'includeAssociatedData':
      return associatedData === 'code' ? { valueCode: value } : { valueCoding: coding(value) }
    case '_type':
    case '_elements':
    case '_typeFilter':
    case '_outputFormat':
    case 'organizeOutputBy':
      return { valueString: value }
  }
}

const ASSOCIATED_DATA = 'http://hl7.org/fhir/uv/bulkdata/CodeSystem/include-associated-data'

/** A server's own codes are of no known system. */
function coding(code: string): object {
  return code.startsWith('_') ? { code } : { system: ASSOCIATED_DATA, code }
}

/** A `+` would be read as a space, and `&` as the end. */
function encoded(value: string): string {
  return encodeURIComponent(value)
}
