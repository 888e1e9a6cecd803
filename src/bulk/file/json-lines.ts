/** JSON that is not NDJSON, turned into it: an array, a Bundle, or resources laid out over many lines. */
import { Transform, type TransformCallback } from 'node:stream'
import type { Token } from 'stream-json/parser.js'
import { lost, notJson } from './lost.ts'

const PUSHED_CHARS = 64 * 1024

/**
 * Tokens in, NDJSON out; numbers keep their text. Of an array each element is a line; of a Bundle each `entry.resource`;
 * else each value at the top. An entry without a resource is a line as it is: a reject says more than silence.
 */
export class JsonLines extends Transform {
  private readonly form: 'json-array' | 'bundle' | 'pretty-json'
  /** Objects and arrays around the next token. */
  private depth = 0
  /** The key at the top, and the one in an element of `entry` or `link`. */
  private topKey = ''
  private elementKey = ''
  /** Where the line being written began; undefined outside of one. */
  private lineDepth: number | undefined
  private line = ''
  private needsComma = false
  /** The line is an entry, which goes as it is only if no resource comes. */
  private isEntry = false
  private hasNextPage = false
  private ready = ''

  constructor(form: JsonLines['form']) {
    super({ writableObjectMode: true, writableHighWaterMark: 1024 })
    this.form = form
  }

  override _transform(token: Token, _encoding: BufferEncoding, done: TransformCallback): void {
    const { name } = token
    const isKey = name === 'keyValue'
    const closes = name === 'endObject' || name === 'endArray'
    const opens = name === 'startObject' || name === 'startArray'
    if (closes) this.depth -= 1
    if (isKey) this.noteKey(token.value as string)
    else if (!closes && !this.noteValue(token)) {
      done(notJson())
      return
    }
    if (this.lineDepth !== undefined) {
      this.append(token)
      if (!opens && !isKey && this.depth === this.lineDepth) this.endLine()
    }
    if (opens) this.depth += 1
    done()
  }

  override _flush(done: TransformCallback): void {
    this.push(Buffer.from(this.ready))
    done(this.hasNextPage ? onePage() : null)
  }

  private noteKey(key: string): void {
    if (this.depth === 1) this.topKey = key
    if (this.depth !== 3 || this.form !== 'bundle') return
    this.elementKey = key
    if (this.isEntry && key === 'resource') {
      this.isEntry = false
      this.lineDepth = undefined
      this.line = ''
    }
  }

  /** A value begins: perhaps a line with it. False where a Bundle is none. */
  private noteValue({ name, value }: Token): boolean {
    if (this.lineDepth !== undefined) return true
    const { depth, form, topKey, elementKey } = this
    if (form === 'pretty-json' && depth === 0) this.beginLine()
    if (form === 'json-array' && depth === 1) this.beginLine()
    if (form !== 'bundle') return true
    if (depth === 0) return name === 'startObject'
    // Another line, after all, of a file whose first one was too long to see its end.
    if (topKey === 'resourceType' && depth === 1 && value !== 'Bundle') return false
    if (topKey === 'link' && depth === 3 && elementKey === 'relation' && value === 'next') this.hasNextPage = true
    if (topKey !== 'entry') return true
    if (depth === 1) return name === 'startArray' || name === 'nullValue'
    if (depth === 2) {
      this.beginLine()
      this.isEntry = name === 'startObject'
    }
    if (depth === 3 && elementKey === 'resource') this.beginLine()
    return true
  }

  private beginLine(): void {
    this.lineDepth = this.depth
    this.needsComma = false
  }

  private endLine(): void {
    this.ready += `${this.line}\n`
    this.line = ''
    this.lineDepth = undefined
    this.isEntry = false
    this.pushReady()
  }

  private append({ name, value }: Token): void {
    const comma = this.needsComma ? ',' : ''
    this.needsComma = name !== 'startObject' && name !== 'startArray' && name !== 'keyValue'
    switch (name) {
      case 'startObject':
        this.line += `${comma}{`
        break
      case 'startArray':
        this.line += `${comma}[`
        break
      case 'endObject':
        this.line += '}'
        break
      case 'endArray':
        this.line += ']'
        break
      case 'keyValue':
        this.line += `${comma}${JSON.stringify(value)}:`
        break
      case 'numberValue':
        this.line += `${comma}${value as string}`
        break
      default:
        this.line += `${comma}${JSON.stringify(value)}`
    }
    if (this.isEntry || this.line.length < PUSHED_CHARS) return
    this.ready += this.line
    this.line = ''
    this.pushReady()
  }

  private pushReady(): void {
    if (this.ready.length < PUSHED_CHARS) return
    this.push(Buffer.from(this.ready))
    this.ready = ''
  }
}

function onePage(): Error {
  return lost(
    'the server sent one page of a search, with more to follow, where NDJSON should be',
    'have the server export application/fhir+ndjson; its types are held back',
  )
}
