/** Which entries of a manifest are files that are known: a URL is no identity, for a server may sign it anew. */
import { shown } from '../http/url.ts'

/** What a file is known again by. */
export interface KnownFile {
  /** Where it is not known, an entry of any type may be the file. */
  readonly type?: string | null | undefined
  /** Absolute. */
  readonly url: string
}

/**
 * For each entry the file it is, undefined where it is a new one; no file is found twice. It is the one of the same type
 * and of the same URL but for its signature; the n-th of a URL is the n-th. Where one list has several URLs that differ in
 * the signature alone, it may be what tells files apart, and has to be the same too. What is in doubt is new: to load a
 * file twice changes nothing, to pass one over loses it.
 */
export function recognised<T extends KnownFile>(entries: readonly KnownFile[], known: readonly T[]): (T | undefined)[] {
  const doubtful = new Set([...toldApartBySignature(entries), ...toldApartBySignature(known)])
  const keyOf = (type: string, url: string) => {
    const address = unsigned(url)
    return `${type} ${doubtful.has(address) ? url : address}`
  }
  const left = new Map<string, T[]>()
  for (const file of known) {
    const key = keyOf(typeOf(file), file.url)
    left.set(key, [...(left.get(key) ?? []), file])
  }
  return entries.map((entry) => {
    return left.get(keyOf(typeOf(entry), entry.url))?.shift() ?? left.get(keyOf('', entry.url))?.shift()
  })
}

/** In lower case: servers and configurations write types as they like. */
export function typeOf({ type }: KnownFile): string {
  return type?.toLowerCase() ?? ''
}

function toldApartBySignature(files: readonly KnownFile[]): string[] {
  const first = new Map<string, string>()
  return files.flatMap((file) => {
    const address = unsigned(file.url)
    const key = `${typeOf(file)} ${address}`
    const url = first.get(key) ?? file.url
    first.set(key, url)
    return url === file.url ? [] : [address]
  })
}

/** What signs a URL, or says until when it is good: another look may give another value. In lower case. */
const SIGNING: readonly (readonly string[])[] = [
  // Amazon S3 before version 4 of its signatures, CloudFront
  ['awsaccesskeyid', 'expires', 'signature', 'policy', 'key-pair-id'],
  // Google Cloud Storage before version 4
  ['googleaccessid'],
  // Azure, shared access signatures: of an account, of a service, of a user's delegation
  ['sig', 'sv', 'ss', 'srt', 'sr', 'sp', 'st', 'se', 'spr', 'sip'],
  ['skoid', 'sktid', 'skt', 'ske', 'sks', 'skv'],
  // FHIR servers that sign by themselves
  ['token', 'access_token', 'exp', 'nonce', 'hash', 'hmac'],
]
const SIGNING_NAMES: ReadonlySet<string> = new Set(SIGNING.flat())
/** Version 4 of Amazon's signatures, and of Google's. */
const SIGNING_BEGINNINGS: readonly string[] = ['x-amz-', 'x-goog-']

function unsigned(address: string): string {
  const url = new URL(address)
  const lasting = [...url.searchParams].filter(([name]) => !isSigning(name.toLowerCase()))
  return `${shown(url)}?${new URLSearchParams(lasting).toString()}`
}

function isSigning(name: string): boolean {
  return SIGNING_NAMES.has(name) || SIGNING_BEGINNINGS.some((beginning) => name.startsWith(beginning))
}
