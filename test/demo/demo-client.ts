/** A client of the demo server for its tests: as few steps as an export has, over plain fetch. */
import { randomUUID } from 'node:crypto'
import { importJWK, SignJWT } from 'jose'
import type { DemoKeyPair } from '../../src/demo/demo-key-pair.ts'
import type { DemoServer } from '../../src/demo/server.ts'

export interface Manifest {
  transactionTime: string
  request: string
  requiresAccessToken: boolean
  output: { type: string; url: string; count: number }[]
  deleted: { type: string; url: string; count: number }[]
  error: { type: string; url: string; count: number }[]
  link?: { relation: string; url: string }[]
}

export interface Resource {
  resourceType: string
  id: string
  meta?: { versionId?: string; lastUpdated?: string }
  [element: string]: unknown
}

export const EXPORT_HEADERS = { Accept: 'application/fhir+json', Prefer: 'respond-async' }

export function bearer(token: string | undefined): Record<string, string> {
  return token === undefined ? {} : { Authorization: `Bearer ${token}` }
}

export function kickOff(server: DemoServer, path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`${server.baseUrl}/${path}`, { ...init, headers: { ...EXPORT_HEADERS, ...(init.headers as object) } })
}

/** The kick-off by POST, with one `Parameters.parameter` for each value; a text in `reference` is a Reference. */
export function postKickOff(
  server: DemoServer,
  path: string,
  parameters: Record<string, string | boolean | string[] | { reference: string }[]>,
  headers: Record<string, string> = {},
): Promise<Response> {
  const parameter = Object.entries(parameters).flatMap(([name, values]) =>
    [values]
      .flat()
      .map((value) => ({
        name,
        ...(typeof value === 'string' && { valueString: value }),
        ...(typeof value === 'boolean' && { valueBoolean: value }),
        ...(typeof value === 'object' && { valueReference: value }),
      })),
  )
  return kickOff(server, path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/fhir+json', ...headers },
    body: JSON.stringify({ resourceType: 'Parameters', parameter }),
  })
}

/** Follows an accepted kick-off to its manifest, without waiting between polls. */
export async function manifestOf(accepted: Response, token?: string): Promise<Manifest> {
  if (accepted.status !== 202) throw new Error(`kick-off: ${accepted.status} ${await accepted.text()}`)
  for (;;) {
    const response = await fetch(accepted.headers.get('content-location')!, { headers: bearer(token) })
    if (response.status === 200) return (await response.json()) as Manifest
    if (response.status !== 202) throw new Error(`poll: ${response.status}`)
  }
}

export async function linesOf(url: string, headers: Record<string, string> = {}): Promise<string[]> {
  const response = await fetch(url, { headers })
  if (response.status !== 200) throw new Error(`download: ${response.status}`)
  const text = await response.text()
  if (!text.endsWith('\n')) throw new Error('the file does not end with a newline')
  return text.slice(0, -1).split('\n')
}

export interface Exported {
  manifest: Manifest
  resources: Resource[]
  /** `Type/id` of all resources, sorted. */
  keys: string[]
  /** `Type/id` of all deletions, sorted. */
  deleted: string[]
}

export async function exportAll(server: DemoServer, path = '$export', token?: string): Promise<Exported> {
  const manifest = await manifestOf(await kickOff(server, path, { headers: bearer(token) }), token)
  return { manifest, ...(await contentsOf(manifest, token)) }
}

export async function contentsOf(manifest: Manifest, token?: string): Promise<Omit<Exported, 'manifest'>> {
  const resources: Resource[] = []
  for (const { url } of manifest.output) {
    for (const line of await linesOf(url, bearer(token))) resources.push(JSON.parse(line) as Resource)
  }
  const deleted: string[] = []
  for (const { url } of manifest.deleted) {
    for (const line of await linesOf(url, bearer(token))) {
      const bundle = JSON.parse(line) as { entry: { request: { method: string; url: string } }[] }
      deleted.push(
        ...bundle.entry.filter(({ request }) => request.method === 'DELETE').map(({ request }) => request.url),
      )
    }
  }
  return {
    resources,
    keys: resources.map(({ resourceType, id }) => `${resourceType}/${id}`).sort(),
    deleted: deleted.sort(),
  }
}

export interface AssertionParts {
  header?: Record<string, unknown>
  claims?: Record<string, unknown>
}

/** A good assertion for the server's token endpoint, save for the parts that are given. */
export async function assertionFor(
  server: DemoServer,
  pair: DemoKeyPair,
  { header, claims }: AssertionParts = {},
): Promise<string> {
  const { alg, kid } = pair.privateJwk
  return await new SignJWT({
    iss: pair.clientId,
    sub: pair.clientId,
    aud: server.tokenUrl,
    jti: randomUUID(),
    exp: Math.floor(Date.now() / 1000) + 240,
    ...claims,
  })
    .setProtectedHeader({ alg: alg!, kid: kid!, typ: 'JWT', ...header })
    .sign(await importJWK(pair.privateJwk))
}

export function askToken(server: DemoServer, assertion: string, form: Record<string, string> = {}): Promise<Response> {
  return fetch(server.tokenUrl, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      scope: 'system/*.read',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
      ...form,
    }),
  })
}

export async function signIn(server: DemoServer, pair: DemoKeyPair, scope = 'system/*.read'): Promise<string> {
  const response = await askToken(server, await assertionFor(server, pair), { scope })
  return ((await response.json()) as { access_token: string }).access_token
}
