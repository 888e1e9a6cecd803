/** Discovery of the token endpoint. */
import { StokerError } from '../core/errors.ts'
import { bodyJson } from './body.ts'
import type { Http } from './http.ts'
import { shown } from './url.ts'

/** The FHIR base's path is kept: `/.well-known/…` of the host belongs to somebody else. */
const SMART_CONFIGURATION = '.well-known/smart-configuration'

/**
 * `token_endpoint` of `[base]/.well-known/smart-configuration`, or of the older `oauth-uris` extension of the
 * CapabilityStatement.
 * @throws StokerError BULK_NO_TOKEN_URL when neither names one
 */
export async function discoverTokenUrl(http: Http, baseUrl: URL, signal: AbortSignal): Promise<URL> {
  const smart = await readJson(http, new URL(SMART_CONFIGURATION, baseUrl), 'application/json', signal)
  const named = (smart as { token_endpoint?: unknown } | null | undefined)?.token_endpoint
  const found =
    typeof named === 'string' && named !== ''
      ? named
      : oauthUri(await readJson(http, new URL('metadata', baseUrl), 'application/fhir+json', signal))
  if (found !== undefined && URL.canParse(found, baseUrl.href)) return new URL(found, baseUrl)
  throw new StokerError('BULK_NO_TOKEN_URL', `${shown(baseUrl)} does not say where tokens are given`, {
    hint: 'check baseUrl, or give auth.tokenUrl in the configuration',
  })
}

async function readJson(http: Http, url: URL, accept: string, signal: AbortSignal): Promise<unknown> {
  try {
    return await http.send({ step: 'discovery', method: 'GET', url, headers: { accept } }, bodyJson, signal)
  } catch (error) {
    if (error instanceof StokerError && error.code === 'BULK_REFUSED') return undefined
    throw error
  }
}

interface Extended {
  readonly url?: unknown
  readonly valueUri?: unknown
  readonly extension?: unknown
}

const OAUTH_URIS = 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris'

function oauthUri(statement: unknown): string | undefined {
  const rests = objects<{ security?: Extended | null }>((statement as { rest?: unknown } | null | undefined)?.rest)
  const extensions = rests.flatMap((each) => objects<Extended>(each.security?.extension))
  const uris = extensions.find((each) => each.url === OAUTH_URIS)
  const found = objects<Extended>(uris?.extension).find((each) => each.url === 'token')?.valueUri
  return typeof found === 'string' ? found : undefined
}

function objects<T extends object>(value: unknown): T[] {
  return Array.isArray(value) ? value.filter((each): each is T => typeof each === 'object' && each !== null) : []
}
