/** Oddities of the download: where a file lies, how long its URL lives, how the answer breaks, what its bytes are. */
import { count, flag, listOf, nullOr, oneOf, shape, status, text, type Checks } from './checks.ts'

export type FileEncoding = 'gzip' | 'deflate' | 'raw-deflate' | 'br'

/** `binary` gives NDJSON to whoever accepts exactly that, `binary-always` to nobody; the last two come with status 200. */
export type FileForm = 'ndjson' | 'binary' | 'binary-always' | 'json-array' | 'bundle' | 'html' | 'outcome'

/** What of a resource is written first. */
export type FirstElement = 'resourceType' | 'id' | 'meta'

export interface FileBehaviour {
  /** `storage`: signed URLs on another origin, which refuses whoever sends a token (Azure, Medplum). */
  fileHost: 'own' | 'storage'
  /** The server's own URL answers 307 to a signed one on the other origin (Oracle). */
  fileRedirect: boolean
  /** `each-poll`: the manifest's URLs are signed anew at each poll (Medplum); the old ones live their life. */
  urlSigning: 'once' | 'each-poll'
  /** Life of a file URL from its signing, by the server's clock; 0 for ever. */
  urlLifeSeconds: number
  /** Answer to a URL whose life is over. */
  expiredStatus: number
  /** Speed of each download, counted as it leaves (compressed or not); 0 for no limit. */
  downloadBytesPerSecond: number
  /** False takes gzip out of `encodings`. */
  gzip: boolean
  /** What the server would rather send, among what the client accepts; `raw-deflate` goes by the name deflate. */
  encodings: readonly FileEncoding[]
  /** Strong ETag, `Content-Length` and byte ranges of the identity bytes; nothing is compressed then. */
  ranges: boolean
  /** Where an answer breaks off, in bytes as they leave; 0 for never. */
  cutAfterBytes: number
  /** How many answers of each file break off so, the first ones. */
  cuts: number
  /** So many requests of each file, the first ones, are answered with `status`; of one type, where that is named. */
  fileFailures: { readonly status: number; readonly times: number; readonly type?: string } | null
  fileForm: FileForm
  /** As it is, or of the form if that is not NDJSON and this is not set. */
  contentType: string
  lineEnds: 'lf' | 'crlf'
  /** A byte order mark before everything. */
  bom: boolean
  /** Whether the last line has a line end. */
  finalLineEnd: boolean
  /** `birthDate` with a time of day (a vendor's Group-only API). */
  birthDateTimes: boolean
  /** `id` (the same vendor) or `meta` (Medplum) may stand before `resourceType`. */
  firstElement: FirstElement
}

export const PLAIN_FILE: Readonly<FileBehaviour> = {
  fileHost: 'own',
  fileRedirect: false,
  urlSigning: 'once',
  urlLifeSeconds: 0,
  expiredStatus: 410,
  downloadBytesPerSecond: 0,
  gzip: true,
  encodings: ['gzip'],
  ranges: false,
  cutAfterBytes: 0,
  cuts: 1,
  fileFailures: null,
  fileForm: 'ndjson',
  contentType: 'application/fhir+ndjson',
  lineEnds: 'lf',
  bom: false,
  finalLineEnd: true,
  birthDateTimes: false,
  firstElement: 'resourceType',
}

export const FILE_CHECKS: Checks<FileBehaviour> = {
  fileHost: oneOf('own', 'storage'),
  fileRedirect: flag,
  urlSigning: oneOf('once', 'each-poll'),
  urlLifeSeconds: count,
  expiredStatus: status(400, 599),
  downloadBytesPerSecond: count,
  gzip: flag,
  encodings: listOf(oneOf('gzip', 'deflate', 'raw-deflate', 'br')),
  ranges: flag,
  cutAfterBytes: count,
  cuts: count,
  fileFailures: nullOr(shape({ status: status(400, 599), times: count }, { type: text })),
  fileForm: oneOf('ndjson', 'binary', 'binary-always', 'json-array', 'bundle', 'html', 'outcome'),
  contentType: text,
  lineEnds: oneOf('lf', 'crlf'),
  bom: flag,
  finalLineEnd: flag,
  birthDateTimes: flag,
  firstElement: oneOf('resourceType', 'id', 'meta'),
}
