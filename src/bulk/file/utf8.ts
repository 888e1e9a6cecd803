/** Refuses what is no UTF-8 before it is read as JSON, where it would be mended without a word. */
import { Transform, type TransformCallback } from 'node:stream'
import { lost } from './lost.ts'

/** Passes text on, without its byte order mark. */
export class Utf8Check extends Transform {
  private readonly decoder = new TextDecoder('utf-8', { fatal: true })

  constructor() {
    super({ readableObjectMode: true, readableHighWaterMark: 4 })
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.decode(chunk, done)
  }

  override _flush(done: TransformCallback): void {
    this.decode(undefined, done)
  }

  private decode(chunk: Buffer | undefined, done: TransformCallback): void {
    let text: string
    try {
      text = this.decoder.decode(chunk, { stream: chunk !== undefined })
    } catch {
      done(lost('the server sent bytes that are no UTF-8 where NDJSON should be'))
      return
    }
    if (text === '') done()
    else done(null, text)
  }
}
