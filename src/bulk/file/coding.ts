/** Content codings of a file's bytes: those the server names, those it does not name, and those it only claims. */
import type { Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib'
import { lost } from './lost.ts'

/** What a client may be sent; `deflate` means zlib by RFC 9110 §8.4.1.2, and bare deflate by some servers. */
export const ACCEPT_ENCODING = 'gzip, deflate, br'

/** zlib's own default is 16 KiB, and each chunk costs a turn of the event loop. */
const CHUNK = { chunkSize: 64 * 1024 }

/** Of `Content-Encoding`, in the order in which they were applied (RFC 9110 §8.4). */
export function codingsOf(header: string | undefined): string[] {
  const names = (header ?? '').toLowerCase().split(',')
  return names.map((name) => name.trim()).filter((name) => name !== '' && name !== 'identity')
}

/**
 * The decoder for the coding applied last, by its name and the first bytes; `plain` where it was not applied at all, as
 * behind proxies that decompress and leave the header; undefined while more bytes are needed.
 * @throws StokerError BULK_FILE_LOST for a coding that nobody asked for
 */
export function decoderFor(coding: string, head: Buffer, whole: boolean): (() => Transform) | 'plain' | undefined {
  if (head.length < 2 && !whole) return undefined
  // Of nothing there is nothing to decompress, and zlib takes it for a body cut off.
  if (head.length === 0) return 'plain'
  // No bare deflate begins so: its third block type is not defined (RFC 1951 §3.2.3).
  if (isGzip(head) && /^((x-)?gzip|deflate)$/.test(coding)) return gunzip
  if (isZlib(head) && coding === 'deflate') return () => createInflate(CHUNK)
  const plain = looksPlain(head, whole)
  if (plain === undefined) return undefined
  if (plain) return 'plain'
  switch (coding) {
    case 'gzip':
    case 'x-gzip':
      return gunzip
    case 'deflate':
      return () => createInflateRaw(CHUNK)
    case 'br':
      return () => createBrotliDecompress(CHUNK)
    default:
      throw lost('the server compressed a file in a way nobody asked for', NAMES_HINT)
  }
}

const NAMES_HINT = `have the server compress with one of ${ACCEPT_ENCODING}, or not at all`

/** Also a file of several members, one after another (RFC 1952 §2.2). */
export function gunzip(): Transform {
  return createGunzip(CHUNK)
}

/** RFC 1952 §2.3.1 */
export function isGzip(head: Buffer): boolean {
  return head[0] === 0x1f && head[1] === 0x8b
}

/** RFC 1950 §2.2: method 8, and a check over the first two bytes. */
function isZlib(head: Buffer): boolean {
  return head.length >= 2 && (head[0]! & 0x0f) === 8 && head.readUInt16BE(0) % 31 === 0
}

const LOOK_BYTES = 64
/** How JSON, XML and HTML begin, after a byte order mark and blanks. */
const BEGINNING = /^[\s\u001e]*($|\{\s*($|["}])|\[\s*($|[{\]])|<[!?A-Za-z])/

/** Whether this is text that begins as a file may; bytes of a compressed one hardly ever do, and not 64 of them. */
function looksPlain(head: Buffer, whole: boolean): boolean | undefined {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(head.subarray(0, LOOK_BYTES), { stream: true })
  } catch {
    return false
  }
  if (!BEGINNING.test(text) || /[\u0000-\u0008\u000b\u000c\u000e-\u001d\u001f]/.test(text)) return false
  return whole || head.length >= LOOK_BYTES ? true : undefined
}
