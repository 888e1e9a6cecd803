/** One pass of a consumer over one file, from its first byte on, however many answers the bytes come in. */
import type { Readable } from 'node:stream'
import { BrokenBody } from '../http/body.ts'
import { codingsOf } from './coding.ts'
import type { FileForm } from './form.ts'
import { goesOn, markOf, rangeHeaders, type Mark } from './mark.ts'
import { ndjsonOf } from './ndjson.ts'
import { Opening } from './opening.ts'
import { headerOf, type HttpAnswer } from '../http/http.ts'
import type { ManifestFile } from '../export/manifest.ts'
import type { Secrets } from '../http/secrets.ts'

export interface FileTaker<T> {
  readonly kind: ManifestFile['kind']
  readonly type?: string | undefined
  readonly secrets: Secrets
  readonly consume: (body: Readable) => Promise<T>
  readonly onForm: (form: FileForm) => void
}

export class Pass<T> {
  private readonly body = new Opening()
  private readonly outcome: Promise<T>
  private mark: Mark | undefined

  /** Begins with the bytes of the first answer, once {@link feed} is called with it. */
  constructor(answer: HttpAnswer, taker: FileTaker<T>) {
    this.mark = markOf(answer)
    this.outcome = this.run(answer, taker)
    // It may end before anybody waits for it.
    this.outcome.catch(() => undefined)
  }

  /** Headers of a request that goes on where the bytes broke off; undefined where the file has to be asked for anew. */
  get range(): Record<string, string> | undefined {
    return this.mark === undefined || this.body.taken === 0 ? undefined : rangeHeaders(this.mark, this.body.taken)
  }

  /** Whether the answer is the rest of the file. */
  accepts(answer: HttpAnswer): boolean {
    const mark = this.mark && goesOn(this.mark, answer, this.body.taken)
    if (mark !== undefined) this.mark = mark
    return mark !== undefined
  }

  /**
   * Takes the bytes of an answer.
   * @returns `more` when it broke off and the rest may be asked for; `done` when there is a {@link result}
   * @throws BrokenBody when it broke off before it brought anything, and the rest may be asked for again
   */
  async feed(answer: HttpAnswer): Promise<'more' | 'done'> {
    const before = this.body.taken
    let cause: unknown
    try {
      await this.body.feed(answer.body)
      if (this.body.destroyed) return 'done'
      const missing = (this.mark?.bytes ?? 0) - this.body.taken
      if (missing <= 0) {
        this.body.finish()
        return 'done'
      }
      cause = Object.assign(new Error('the body ended too soon'), { code: 'ERR_STREAM_PREMATURE_CLOSE' })
    } catch (error) {
      cause = error
    }
    const broken = new BrokenBody(cause)
    if (this.range === undefined) {
      this.body.fail(broken)
      return 'done'
    }
    if (this.body.taken === before) throw broken
    return 'more'
  }

  /** What the consumer made of it. @throws its own error, or what broke the bytes on their way to it */
  result(): Promise<T> {
    return this.outcome
  }

  /** Gives it up, and waits until the consumer has let go of it. */
  async drop(error: Error): Promise<void> {
    this.body.fail(error)
    await this.outcome.catch(() => undefined)
  }

  private async run(answer: HttpAnswer, { kind, type, secrets, consume, onForm }: FileTaker<T>): Promise<T> {
    let ndjson: Opening | undefined
    const codings = codingsOf(headerOf(answer, 'content-encoding'))
    const contentType = headerOf(answer, 'content-type')
    try {
      const facts = { kind, type, secrets, contentType, codings, unzipped: false, unwrapped: false }
      ndjson = await ndjsonOf(this.body, facts, onForm)
      return await consume(ndjson)
    } catch (error) {
      throw this.body.failure ?? ndjson?.failure ?? error
    } finally {
      ndjson?.destroy()
      this.body.destroy()
    }
  }
}
