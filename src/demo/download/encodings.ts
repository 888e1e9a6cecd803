/** Which compression a download gets: of what the client accepts, what the server likes best. */
import type { Transform } from 'node:stream'
import { createBrotliCompress, createDeflate, createDeflateRaw, createGzip, constants } from 'node:zlib'
import type { FileBehaviour, FileEncoding } from '../behaviour/file-behaviour.ts'

export interface Encoding {
  /** As `Content-Encoding` says it. */
  readonly name: string
  compressor(): Transform
}

const ENCODINGS: Readonly<Record<FileEncoding, Encoding>> = {
  gzip: { name: 'gzip', compressor: () => createGzip() },
  deflate: { name: 'deflate', compressor: () => createDeflate() },
  // RFC 9110, section 8.4.1.2: some send the bare stream where "deflate" means the one with zlib's frame.
  'raw-deflate': { name: 'deflate', compressor: () => createDeflateRaw() },
  // Brotli's own default is for what is compressed once and served for years.
  br: { name: 'br', compressor: () => createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }) },
}

/** Undefined for no compression. */
export function chosenEncoding(accept: string, { encodings, gzip }: FileBehaviour): Encoding | undefined {
  const offered = encodings.filter((encoding) => gzip || encoding !== 'gzip')
  return offered.map((encoding) => ENCODINGS[encoding]).find(({ name }) => accepts(accept, name))
}

/** A coding with the weight 0 is refused. */
function accepts(header: string, name: string): boolean {
  return header.split(',').some((part) => {
    const [coding = '', ...settings] = part.split(';').map((word) => word.trim().toLowerCase())
    const refused = settings.some((setting) => /^q\s*=\s*0(\.0*)?$/.test(setting))
    return !refused && (coding === name || coding === '*' || (name === 'gzip' && coding === 'x-gzip'))
  })
}
