/** The content of a `Binary` resource (FHIR R4 "Binary.data"), decoded as its JSON passes. */
import { Transform, type TransformCallback } from 'node:stream'
import type { Token } from 'stream-json/parser.js'
import { lost, notJson } from './lost.ts'

/** Characters that are decoded at once: a multiple of four. */
const DECODED_CHARS = 32 * 1024

/** Tokens in, with strings in pieces; bytes out. Holds {@link DECODED_CHARS} at most. */
export class BinaryData extends Transform {
  private depth = 0
  private isData = false
  private base64 = ''
  private ended = false

  constructor() {
    super({ writableObjectMode: true, writableHighWaterMark: 1024 })
  }

  override _transform({ name, value }: Token, _encoding: BufferEncoding, done: TransformCallback): void {
    if (this.ended) {
      done(notJson())
      return
    }
    switch (name) {
      case 'startObject':
      case 'startArray':
        this.depth += 1
        break
      case 'endObject':
      case 'endArray':
        this.depth -= 1
        this.ended = this.depth === 0
        break
      case 'keyValue':
        this.isData = this.depth === 1 && value === 'data'
        break
      case 'stringChunk':
        if (this.isData && this.depth === 1) {
          // White space is allowed in base64Binary; the url-safe alphabet is not, and is sent.
          this.base64 += (value as string).replace(/\s+/g, '')
          if (this.base64.length >= DECODED_CHARS && !this.decode(DECODED_CHARS)) {
            done(NOT_BASE64())
            return
          }
        }
    }
    done()
  }

  override _flush(done: TransformCallback): void {
    const isWhole = this.base64.replace(/=+$/, '').length % 4 !== 1
    done(isWhole && this.decode(this.base64.length) ? null : NOT_BASE64())
  }

  private decode(chars: number): boolean {
    const part = this.base64.slice(0, chars)
    this.base64 = this.base64.slice(chars)
    if (!/^[\w+/-]*={0,2}$/.test(part) || (part.endsWith('=') && this.base64 !== '')) return false
    if (part !== '') this.push(Buffer.from(part, 'base64'))
    return true
  }
}

const NOT_BASE64 = () => lost('the server sent a Binary, whose data is no base64, where NDJSON should be')
