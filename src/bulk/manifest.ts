/** The manifest of a finished export: checked, with the gaps that servers leave in it filled. */
import { StokerError } from '../core/errors.ts'

export interface Manifest {
  /** As sent. */
  readonly transactionTime: string
  readonly transactionInstant: Date
  /** Whether files want the token. Missing counts as true: the token still goes to allowed origins only. */
  readonly requiresAccessToken: boolean
  readonly output: readonly ManifestFile[]
  readonly deleted: readonly ManifestFile[]
  readonly error: readonly ManifestFile[]
}

export interface ManifestFile {
  readonly kind: 'output' | 'deleted' | 'error'
  /** Place in its list, from 0. */
  readonly ordinal: number
  readonly type: string | undefined
  /** Absolute. */
  readonly url: string
  readonly count: number | undefined
}

/**
 * Bulk Data Access, "Response - Output Manifest": STU2 to STU4. Servers leave out `error` (LinuxForHealth), `output`
 * (HAPI, when it is empty) or `requiresAccessToken` (HAPI), write the latter as text (Oracle), and give relative URLs
 * (LinuxForHealth, torch).
 * @throws StokerError BULK_MANIFEST_INVALID naming what is wrong
 */
export function parseManifest(value: unknown, statusUrl: URL): Manifest {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('it is no JSON object')
  const manifest = value as Record<string, unknown>
  const { transactionTime } = manifest
  const instant = typeof transactionTime === 'string' ? new Date(transactionTime) : undefined
  // The date's parser alone makes an instant of "soon 5".
  const dated = typeof transactionTime === 'string' && /^\d{4}-\d\d-\d\dT/.test(transactionTime)
  if (!dated || instant === undefined || Number.isNaN(instant.getTime())) throw invalid('transactionTime is no instant')
  if (hasNext(manifest.link)) throw invalid('it has further pages (link next), which were not asked for')
  const error = files('error', manifest.error, statusUrl)
  return {
    transactionTime,
    transactionInstant: instant,
    requiresAccessToken: ![false, 'false'].includes(manifest.requiresAccessToken as boolean | string),
    output: files('output', manifest.output, statusUrl),
    deleted: files('deleted', manifest.deleted, statusUrl),
    // STU4 calls it outcome; between the versions both may stand there, one of them empty.
    error: error.length > 0 ? error : files('error', manifest.outcome, statusUrl),
  }
}

function files(kind: ManifestFile['kind'], list: unknown, base: URL): ManifestFile[] {
  if (list === undefined || list === null) return []
  if (!Array.isArray(list)) throw invalid(`${kind} is no list`)
  return list.map((entry: unknown, ordinal) => {
    const { type, url, count } = (typeof entry === 'object' && entry !== null ? entry : {}) as Record<string, unknown>
    if (typeof url !== 'string' || !URL.canParse(url, base.href)) throw invalid(`${kind}[${ordinal}].url is no URL`)
    return {
      kind,
      ordinal,
      type: typeof type === 'string' && /^[A-Za-z]{1,64}$/.test(type) ? type : undefined,
      url: new URL(url, base).href,
      count: typeof count === 'number' && Number.isSafeInteger(count) && count >= 0 ? count : undefined,
    }
  })
}

/** Pages come only where allowPartialManifests was sent; to read one as the whole would lose the rest. */
function hasNext(link: unknown): boolean {
  return Array.isArray(link) && link.some((each) => (each as { relation?: unknown } | null)?.relation === 'next')
}

function invalid(what: string): StokerError {
  return new StokerError('BULK_MANIFEST_INVALID', `the server's manifest can not be used: ${what}`, {
    hint: 'report it to the operator of the server; nothing was loaded',
  })
}
