/** Discovery: what a server publishes of itself, at the FHIR base and below, and the token endpoint in it. */
import { StokerError } from '../../core/errors.ts'
import { bodyJson } from '../http/body.ts'
import { headerOf, type Http, type HttpAnswer, type HttpRequest } from '../http/http.ts'
import { shown } from '../http/url.ts'

/** The FHIR base's path is kept: `/.well-known/…` of the host belongs to somebody else. */
const SMART_CONFIGURATION = '.well-known/smart-configuration'

/** What came in place of a document, or the document. */
export type Published =
  | { readonly kind: 'json'; readonly value: unknown; readonly url: URL; readonly date: Date | undefined }
  /** Something that is no JSON: a web page, XML. */
  | { readonly kind: 'other'; readonly contentType: string; readonly url: URL; readonly date: Date | undefined }
  | { readonly kind: 'refused'; readonly status: number; readonly url: URL }

/** The SMART configuration of `[base]`; it is public. */
export function readSmartConfiguration(http: Http, baseUrl: URL, signal: AbortSignal): Promise<Published> {
  return readPublic(http, new URL(SMART_CONFIGURATION, baseUrl), 'application/json', signal)
}

/** The CapabilityStatement of `[base]`; it is public. */
export function readStatement(http: Http, baseUrl: URL, signal: AbortSignal): Promise<Published> {
  return readPublic(http, new URL('metadata', baseUrl), 'application/fhir+json', signal)
}

/**
 * `token_endpoint` of `[base]/.well-known/smart-configuration`, or of the older `oauth-uris` extension of the
 * CapabilityStatement.
 * @throws StokerError BULK_NO_TOKEN_URL when neither names one
 */
export async function discoverTokenUrl(http: Http, baseUrl: URL, signal: AbortSignal): Promise<URL> {
  const found =
    tokenUrlOf(jsonOf(await readSmartConfiguration(http, baseUrl, signal)), baseUrl) ??
    oauthTokenUrl(jsonOf(await readStatement(http, baseUrl, signal)), baseUrl)
  if (found !== undefined) return found
  throw new StokerError('BULK_NO_TOKEN_URL', `${shown(baseUrl)} does not say where tokens are given`, {
    hint: 'check baseUrl, or give auth.tokenUrl in the configuration',
  })
}

export function jsonOf(document: Published): unknown {
  return document.kind === 'json' ? document.value : undefined
}

/** Of a SMART configuration. */
export function tokenUrlOf(smart: unknown, baseUrl: URL): URL | undefined {
  return urlOf((smart as { token_endpoint?: unknown } | null | undefined)?.token_endpoint, baseUrl)
}

interface Extended {
  readonly url?: unknown
  readonly valueUri?: unknown
  readonly extension?: unknown
}

const OAUTH_URIS = 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris'

/** Of a CapabilityStatement. */
export function oauthTokenUrl(statement: unknown, baseUrl: URL): URL | undefined {
  const rests = objects<{ security?: Extended | null }>((statement as { rest?: unknown } | null | undefined)?.rest)
  const extensions = rests.flatMap((each) => objects<Extended>(each.security?.extension))
  const uris = extensions.find((each) => each.url === OAUTH_URIS)
  return urlOf(objects<Extended>(uris?.extension).find((each) => each.url === 'token')?.valueUri, baseUrl)
}

/** The objects of what may be a list. */
export function objects<T extends object>(value: unknown): T[] {
  return Array.isArray(value) ? value.filter((each): each is T => typeof each === 'object' && each !== null) : []
}

function readPublic(http: Http, url: URL, accept: string, signal: AbortSignal): Promise<Published> {
  return published(url, () => http.send(documentRequest(url, accept), document, signal))
}

function documentRequest(url: URL, accept: string): HttpRequest {
  return { step: 'discovery', method: 'GET', url, headers: { accept } }
}

async function published(url: URL, read: () => Promise<Published>): Promise<Published> {
  try {
    return await read()
  } catch (error) {
    if (!(error instanceof StokerError) || error.code !== 'BULK_REFUSED') throw error
    return { kind: 'refused', status: Number(error.facts.status ?? 0), url }
  }
}

async function document(answer: HttpAnswer): Promise<Published> {
  const { url } = answer
  const at = new Date(headerOf(answer, 'date') ?? NaN)
  const date = Number.isNaN(at.getTime()) ? undefined : at
  const contentType = (headerOf(answer, 'content-type') ?? '').split(';')[0]!.trim().toLowerCase()
  const value = await bodyJson(answer)
  return value === undefined ? { kind: 'other', contentType, url, date } : { kind: 'json', value, url, date }
}

function urlOf(value: unknown, baseUrl: URL): URL | undefined {
  return typeof value === 'string' && value !== '' && URL.canParse(value, baseUrl.href)
    ? new URL(value, baseUrl)
    : undefined
}
