/** The manifest of an export: checked, with the gaps that servers leave in it filled. */
import { StokerError } from '../../core/errors.ts'
import { manifestFiles } from './manifest-file.ts'
import { earliestInstant } from './transaction-time.ts'

export interface Manifest {
  /** As sent. */
  readonly transactionTime: string
  /** Where the server does not say which instant it is, the earliest it can be. */
  readonly transactionInstant: Date
  /** Whether files want the token. Missing counts as true: the token still goes to allowed origins only. */
  readonly requiresAccessToken: boolean
  readonly output: readonly ManifestFile[]
  readonly deleted: readonly ManifestFile[]
  readonly error: readonly ManifestFile[]
  /** Until when the files are to be had, by the server's `Expires`. */
  readonly expires?: Date | undefined
  /** The type whose resources the files are blocks of; then entries have no type. */
  readonly organizedBy?: string | undefined
  /** Of one page: where the next one is. */
  readonly next?: NextPage | undefined
}

export interface ManifestFile {
  readonly kind: 'output' | 'deleted' | 'error'
  /** Place in its list, from 0; over all pages. */
  readonly ordinal: number
  readonly type: string | undefined
  /** Absolute. */
  readonly url: string
  /** Lines; of an error file of some servers: lost resources. */
  readonly count: number | undefined
  /** Of an error file: how many lines of each severity (STU4). */
  readonly severities?: Readonly<Record<string, number>> | undefined
}

/** `pending` and `closed` are the markers of published manifests (Bulk Data Access 4, "Incremental Updates"). */
export type NextPage =
  { readonly kind: 'page'; readonly url: string } | { readonly kind: 'pending' } | { readonly kind: 'closed' }

/**
 * Bulk Data Access, "Response - Output Manifest": STU2 to STU4. Servers leave out `error` (LinuxForHealth), `output`
 * (HAPI, when it is empty) or `requiresAccessToken` (HAPI), write the latter as text (Oracle), and give relative URLs
 * (LinuxForHealth, torch). What is not known here (`extension`, Medplum's `request`) is passed over, and so is
 * `continuesInFile`: resources are merged one by one, whichever file a block of them ends in.
 * @param url where it came from
 * @param expires until when the files are to be had
 * @throws StokerError BULK_MANIFEST_INVALID naming what is wrong
 */
export function parseManifest(value: unknown, url: URL, expires?: Date): Manifest {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('it is no JSON object')
  const manifest = value as Record<string, unknown>
  const { transactionTime } = manifest
  const instant = typeof transactionTime === 'string' ? earliestInstant(transactionTime) : undefined
  if (typeof transactionTime !== 'string' || instant === undefined) throw invalid('transactionTime is no instant')
  const files = (kind: ManifestFile['kind'], ...names: readonly string[]) => {
    const lists = names.map((name) => [name, manifest[name] ?? []] as const)
    const odd = lists.find(([, list]) => !Array.isArray(list))
    if (odd !== undefined) throw invalid(`${odd[0]} is no list`)
    const entries = lists.flatMap(([, list]) => list as unknown[])
    return manifestFiles(kind, entries, url, (place) => invalid(`${names[0]}[${place}].url is no URL`))
  }
  return {
    transactionTime,
    transactionInstant: instant,
    requiresAccessToken: !/^\s*false\s*$/i.test(String(manifest.requiresAccessToken)),
    output: files('output', 'output'),
    deleted: files('deleted', 'deleted'),
    // STU4 calls it outcome; between the versions both may stand there, one of them empty.
    error: files('error', 'error', 'outcome'),
    expires,
    organizedBy: textOf(manifest.outputOrganizedBy),
    next: nextOf(manifest.link, url),
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** The specification has a list; an object in its place says the same. */
function nextOf(link: unknown, base: URL): NextPage | undefined {
  const links = [link].flat() as ({ relation?: unknown; url?: unknown } | null | undefined)[]
  const next = links.find((each) => each?.relation === 'next')
  if (next === undefined || next === null) return undefined
  const { url } = next
  if (url === '#pending') return { kind: 'pending' }
  if (url === '#closed') return { kind: 'closed' }
  if (typeof url !== 'string' || !URL.canParse(url, base.href)) throw invalid('its link next is no URL')
  return { kind: 'page', url: new URL(url, base).href }
}

export function invalid(what: string): StokerError {
  return new StokerError('BULK_MANIFEST_INVALID', `the server's manifest can not be used: ${what}`, {
    hint: 'report it to the operator of the server; nothing was loaded',
  })
}
