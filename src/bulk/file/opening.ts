/** A stream of a file's bytes whose beginning can be looked at before anybody reads it. */
import { Readable } from 'node:stream'

/** Four of undici's chunks: enough that a reader and a writer seldom wait for each other. */
const BUFFERED_BYTES = 256 * 1024

/**
 * Takes its bytes from one source after another ({@link feed}), so that a download may break and go on, and belongs to
 * its reader alone: the reader may destroy it, with or without an error, and that is never mistaken for a failure of the
 * source. `failure` is what {@link fail} ended it with, where that was first.
 */
export class Opening extends Readable {
  /** Bytes that came in. */
  taken = 0
  failure: Error | undefined
  private leave: (() => void) | undefined
  private source: Readable | undefined
  private looking: Look | undefined

  constructor() {
    super({ highWaterMark: BUFFERED_BYTES })
    // Whoever reads it listens too; before that the error is in `failure`.
    this.on('error', () => undefined)
  }

  /** Resolves at the end of `source`, or when this stream is closed; rejects with what broke the source. */
  feed(source: Readable): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      if (this.destroyed) {
        source.destroy()
        resolve()
        return
      }
      const accept = (chunk: Buffer): void => this.accept(chunk)
      const settle = (error?: Error): void => {
        source.off('data', accept).off('end', settle).off('error', settle).off('close', close)
        this.source = undefined
        this.leave = undefined
        if (error === undefined) resolve()
        else reject(error)
      }
      const close = (): void => settle(closedEarly())
      this.source = source
      this.leave = () => {
        settle()
        source.destroy()
      }
      source.on('data', accept).on('end', settle).on('error', settle).on('close', close)
    })
  }

  /** There is no more: what was fed is the whole. */
  finish(): void {
    this.looking?.check(true)
    if (!this.destroyed) this.push(null)
  }

  fail(error: Error): void {
    if (this.destroyed) return
    this.failure = error
    this.destroy(error)
  }

  /**
   * Asks `decide` of the first bytes, more of them each time, until it gives an answer or throws. To be called before the
   * first byte comes; until it is answered the bytes are held, so `decide` must not ask for many.
   * @param decide gets `whole` when there are no more bytes to come; then it must answer
   */
  look<T>(decide: (head: Buffer, whole: boolean) => T | undefined): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.looking = new Look((head, whole) => {
        try {
          const answer = decide(head, whole)
          if (answer === undefined) return false
          resolve(answer)
        } catch (error) {
          reject(error)
        }
        this.looking = undefined
        return true
      }, reject)
    })
  }

  override _read(): void {
    this.source?.resume()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.leave?.()
    this.looking?.end(error ?? closedEarly())
    done(error)
  }

  private accept(chunk: Buffer): void {
    this.taken += chunk.length
    this.looking?.add(chunk)
    if (!this.push(chunk) && this.looking === undefined) this.source?.pause()
  }
}

function closedEarly(): Error {
  return Object.assign(new Error('a stream was closed before its end'), { code: 'ERR_STREAM_PREMATURE_CLOSE' })
}

const LINE_FEED = 0x0a

/** Shows a growing head: when its first line ends, and then each time it has doubled. */
class Look {
  readonly end: (error: Error) => void
  private readonly decide: (head: Buffer, whole: boolean) => boolean
  private readonly chunks: Buffer[] = []
  private bytes = 0
  private nextBytes = 1
  private hasLine = false

  constructor(decide: (head: Buffer, whole: boolean) => boolean, end: (error: Error) => void) {
    this.decide = decide
    this.end = end
  }

  add(chunk: Buffer): void {
    this.chunks.push(chunk)
    this.bytes += chunk.length
    const endsLine = !this.hasLine && chunk.includes(LINE_FEED)
    this.hasLine ||= endsLine
    if (endsLine || this.bytes >= this.nextBytes) this.check(false)
  }

  check(whole: boolean): void {
    this.nextBytes = this.bytes * 2
    const head = this.chunks.length === 1 ? this.chunks[0]! : Buffer.concat(this.chunks)
    this.decide(head, whole)
  }
}
