/** Kick-off: what is asked of the server, as a URL. */

export type ExportLevel =
  { readonly kind: 'system' } | { readonly kind: 'patient' } | { readonly kind: 'group'; readonly id: string }

export interface ExportRequest {
  readonly level: ExportLevel
  readonly types: readonly string[]
  /** A FHIR instant, sent as it is. */
  readonly since?: string | undefined
}

export interface Kickoff {
  readonly statusUrl: string
  /** As sent; it holds no secret. */
  readonly requestUrl: string
  /** The server's clock when it took the request, where it says. */
  readonly serverDate: Date | undefined
}

/** Bulk Data Access, "Bulk Data Kick-off Request". `baseUrl` ends with a slash. */
export function kickOffUrl(baseUrl: URL, request: ExportRequest): URL {
  const url = new URL(`${levelPath(request.level)}$export`, baseUrl)
  // Comma-joined, which every server reads; some (Oracle, HAPI) read a repeated _type not at all.
  const query = [`_type=${request.types.map(encodeURIComponent).join(',')}`]
  if (request.since !== undefined) query.push(`_since=${encodeURIComponent(request.since)}`)
  url.search = query.join('&')
  return url
}

function levelPath(level: ExportLevel): string {
  switch (level.kind) {
    case 'system':
      return ''
    case 'patient':
      return 'Patient/'
    case 'group':
      return `Group/${encodeURIComponent(level.id)}/`
  }
}
