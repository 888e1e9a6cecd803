/** Discovery of the token endpoint. */
import { StokerError } from '../core/errors.ts'
import type { Http } from './http.ts'

/** The FHIR base's path is kept: `/.well-known/…` of the host belongs to somebody else. */
const SMART_CONFIGURATION = '.well-known/smart-configuration'

/**
 * `token_endpoint` of `[base]/.well-known/smart-configuration`, or of the older `oauth-uris` extension of the
 * CapabilityStatement.
 * @throws StokerError BULK_NO_TOKEN_URL when neither names one
 */
export async function discoverTokenUrl(http: Http, baseUrl: URL, signal: AbortSignal): Promise<URL> {
  const smart = (await readJson(http, new URL(SMART_CONFIGURATION, baseUrl), 'application/json', signal)) as { token_endpoint?: unknown } | undefined
  const found = smart?.token_endpoint ?? oauthUri(await readJson(http, new URL('metadata', baseUrl), 'application/fhir+json', signal))
  if (typeof found === 'string' && URL.canParse(found, baseUrl.href)) return new URL(found, baseUrl)
  throw new StokerError('BULK_NO_TOKEN_URL', `${baseUrl.origin}${baseUrl.pathname} does not say where tokens are given`, {
    hint: 'check baseUrl, or give auth.tokenUrl in the configuration',
  })
}

async function readJson(http: Http, url: URL, accept: string, signal: AbortSignal): Promise<unknown> {
  try {
    return await http.send(
      { step: 'discovery', method: 'GET', url, headers: { accept } },
      async ({ body }) => body.json().catch(() => undefined),
      signal,
    )
  } catch (error) {
    if (error instanceof StokerError && error.code === 'BULK_REFUSED') return undefined
    throw error
  }
}

interface Extended {
  readonly url?: string
  readonly valueUri?: string
  readonly extension?: readonly Extended[]
}

const OAUTH_URIS = 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris'

function oauthUri(statement: unknown): string | undefined {
  const rest = (statement as { rest?: { security?: Extended }[] } | undefined)?.rest
  const uris = rest?.flatMap((each) => each.security?.extension ?? []).find((each) => each.url === OAUTH_URIS)
  return uris?.extension?.find((each) => each.url === 'token')?.valueUri
}
