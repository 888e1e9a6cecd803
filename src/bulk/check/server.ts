/** The first steps of a check: the server itself, its clock, and what it says of itself. */
import { StokerError } from '../../core/errors.ts'
import { readSigningKey } from '../auth/assertion.ts'
import {
  capabilitiesOf,
  capabilityWarnings,
  type AskedOfServer,
  type ServerCapabilities,
} from '../server/capability.ts'
import type { CheckRequest } from './check.ts'
import { failedLine, line, type CheckLine } from './line.ts'
import type { Connection } from '../server/connection.ts'
import { jsonOf, readSmartConfiguration, readStatement, type Published } from '../auth/discovery.ts'
import type { BulkAuth } from '../auth/tokens.ts'
import { shown } from '../http/url.ts'

export interface CheckedServer {
  readonly lines: readonly CheckLine[]
  /** False where nothing more can be asked of it. */
  readonly reached: boolean
  readonly capabilities: ServerCapabilities
  readonly answered: boolean
  /** The server's clock less ours; undefined: it does not say. */
  readonly skewMs: number | undefined
}

/** Assertions live five minutes, and servers allow little for clocks that differ. */
const SKEW_MS_MAX = 60_000

const SILENT: Published = { kind: 'refused', status: 0, url: new URL('about:blank') }

/** GET [base]/metadata, which is public. */
export async function checkServer(connection: Connection, signal: AbortSignal): Promise<CheckedServer> {
  const { http, baseUrl, clock } = connection
  const nothing = capabilitiesOf(SILENT, SILENT, baseUrl)
  try {
    const statement = await readStatement(http, baseUrl, signal)
    const date = statement.kind === 'refused' ? undefined : statement.date
    const skewMs = date === undefined ? undefined : date.getTime() - clock.now().getTime()
    const smart = await smartOf(connection, signal)
    const capabilities = capabilitiesOf(statement, smart, baseUrl)
    const first = serverLine(statement, capabilities)
    return {
      lines: [first],
      reached: first.verdict !== 'failed',
      capabilities,
      answered: date !== undefined || statement.kind !== 'refused',
      skewMs,
    }
  } catch (error) {
    if (!(error instanceof StokerError)) throw error
    return {
      lines: [failedLine('server', error)],
      reached: false,
      capabilities: nothing,
      answered: false,
      skewMs: undefined,
    }
  }
}

/** Many servers have none, and some fail at it: the token step says more. */
async function smartOf({ http, baseUrl }: Connection, signal: AbortSignal): Promise<Published> {
  try {
    return await readSmartConfiguration(http, baseUrl, signal)
  } catch (error) {
    if (!(error instanceof StokerError)) throw error
    return { kind: 'refused', status: Number(error.facts.status ?? 0), url: baseUrl }
  }
}

function serverLine(statement: Published, { software, fhirVersion }: ServerCapabilities): CheckLine {
  const at = shown(statement.url)
  const failed = (text: string, wayOut: string) => line('server', 'failed', text, wayOut)
  switch (statement.kind) {
    case 'refused':
      if (statement.status === 401 || statement.status === 403) {
        const wayOut = 'it should be public, but this alone stops nothing; what the server can do is not known'
        return line('server', 'warning', `${at} wants a sign-in (${statement.status})`, wayOut)
      }
      return failed(
        `there is nothing at ${at} (${statement.status})`,
        'baseUrl is not the FHIR base: give the part of the URL before /metadata and /$export',
      )
    case 'other':
      return failed(
        `${at} answers with ${/html/.test(statement.contentType) ? 'a web page' : 'no JSON'}`,
        'baseUrl leads to something else than the FHIR base (a portal, a sign-in page, a proxy): correct its path',
      )
    case 'json': {
      const type = (jsonOf(statement) as { resourceType?: unknown } | null)?.resourceType
      if (type !== 'CapabilityStatement') {
        return failed(
          `${at} is no CapabilityStatement`,
          'baseUrl is not the FHIR base: ask the operator of the server for it',
        )
      }
      const version = fhirVersion === undefined ? '' : `, FHIR ${fhirVersion}`
      return line('server', 'ok', `a FHIR server answers: ${software ?? 'it does not say its name'}${version}`)
    }
  }
}

/** What it says of itself, against what is asked. */
export async function checkDiscovery(
  { capabilities }: CheckedServer,
  { request, typesNamed = true, auth, manifestUrl }: CheckRequest,
  { baseUrl }: Connection,
): Promise<CheckLine[]> {
  const asked: AskedOfServer = {
    level: request.level,
    types: request.types,
    typeFilters: request.typeFilters ?? [],
    ...signInOf(auth),
  }
  // A published manifest is no export: only what is said of signing in concerns it.
  const known = manifestUrl === undefined ? capabilities : { ...capabilities, exports: [], notExported: [] }
  const warnings = capabilityWarnings(known, asked).map((text) =>
    line(
      'discovery',
      'warning',
      text,
      'it may work all the same; if it does not, change the source or ask the operator',
    ),
  )
  const { tokenUrl } = capabilities
  const configured = auth.kind === 'private-key-jwt' || auth.kind === 'client-secret' ? auth.tokenUrl : undefined
  if (auth.kind === 'none' && tokenUrl !== undefined) {
    const text = `the server gives tokens at ${shown(tokenUrl)}, and the source signs in with nothing`
    warnings.push(line('discovery', 'warning', text, 'set auth, if the next steps are refused'))
  } else if (configured !== undefined && tokenUrl !== undefined && configured.href !== tokenUrl.href) {
    const text = `auth.tokenUrl is ${shown(configured)}, and the server says ${shown(tokenUrl)}`
    warnings.push(line('discovery', 'warning', text, 'leave auth.tokenUrl out, unless the operator says otherwise'))
  }
  const others = typesNamed || manifestUrl !== undefined ? [] : unaskedLines(capabilities, request.types)
  if (warnings.length > 0) return [...warnings, ...others]
  const where = configured ?? tokenUrl
  const said = where === undefined ? '' : `; tokens are given at ${shown(where)}`
  const silent = capabilities.notes.length === 0 ? '' : ` (${capabilities.notes.join(', ')})`
  return [line('discovery', 'ok', `${shown(baseUrl)} says nothing against what is asked${silent}${said}`), ...others]
}

const TYPES_SHOWN = 12

/** What the server lists, and no table is made of. */
function unaskedLines({ types, notExported }: ServerCapabilities, asked: readonly string[]): CheckLine[] {
  const unasked = types.filter((type) => !asked.includes(type) && !notExported.includes(type) && !NO_DATA.has(type))
  if (unasked.length === 0) return []
  const more = unasked.length - TYPES_SHOWN
  const names = `${unasked.slice(0, TYPES_SHOWN).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
  const wayOut = `if they are wanted: name all types in the source; stoker views generate ${unasked[0]!} makes tables of one`
  return [line('discovery', 'ok', `not asked for, since no view reads them: ${names}`, wayOut)]
}

/** Definitions, terminology and what carries other resources: servers list them, and nobody looks for patients there. */
const NO_DATA: ReadonlySet<string> = new Set(
  `Basic Binary Bundle CapabilityStatement CodeSystem CompartmentDefinition ConceptMap ExampleScenario GraphDefinition
  ImplementationGuide MessageDefinition MessageHeader NamingSystem OperationDefinition OperationOutcome Parameters
  SearchParameter StructureDefinition StructureMap Subscription TerminologyCapabilities TestReport TestScript ValueSet`.split(
    /\s+/,
  ),
)

/** An assertion that looks young or old to the server is refused; and the safe watermark needs the server's clock. */
export function checkClock({ answered, skewMs }: CheckedServer, auth: BulkAuth, signInFailed: boolean): CheckLine {
  if (!answered) return line('clock', 'skipped', 'not compared: the server did not answer')
  if (skewMs === undefined) {
    const text = 'answers carry no Date header'
    return line(
      'clock',
      'warning',
      text,
      'a proxy between may strip headers; the watermark then rests on transactionTime alone',
    )
  }
  const seconds = Math.round(Math.abs(skewMs) / 1000)
  if (Math.abs(skewMs) <= SKEW_MS_MAX) return line('clock', 'ok', `it agrees with the server's within ${seconds} s`)
  const text = `this machine's clock is ${inWords(seconds)} ${skewMs > 0 ? 'behind' : 'ahead of'} the server's`
  const isCause = signInFailed && auth.kind === 'private-key-jwt'
  return line(
    'clock',
    isCause ? 'failed' : 'warning',
    text,
    'set it by a time server (NTP): signed assertions live for minutes',
  )
}

const UNITS = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
] as const

/** To the nearest whole of the largest unit: `3 minutes`, `1 hour`. For a minute and more. */
function inWords(seconds: number): string {
  const [unit, size] = UNITS.find(([, each]) => seconds >= each) ?? UNITS[2]
  const count = Math.round(seconds / size)
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}

function signInOf(auth: BulkAuth): Pick<AskedOfServer, 'authMethod' | 'algorithm' | 'scope'> {
  switch (auth.kind) {
    case 'private-key-jwt':
      return { authMethod: 'private_key_jwt', algorithm: algorithmOf(auth), scope: auth.scope }
    case 'client-secret':
      return { authMethod: `client_secret_${auth.method}`, algorithm: undefined, scope: auth.scope }
    case 'none':
    case 'bearer':
      return { authMethod: undefined, algorithm: undefined, scope: undefined }
  }
}

function algorithmOf(auth: Extract<BulkAuth, { kind: 'private-key-jwt' }>): string | undefined {
  try {
    return readSigningKey(auth.keyText, auth.keyId, auth.algorithm).algorithm
  } catch {
    // Told by the key's own line.
    return undefined
  }
}
