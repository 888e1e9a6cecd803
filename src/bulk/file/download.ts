/** The download of one file over as many answers as it takes: begun, gone on with, or begun again. */
import { StokerError } from '../../core/errors.ts'
import { BrokenBody } from '../http/body.ts'
import { ACCEPT_ENCODING } from './coding.ts'
import { Pass, type FileTaker } from './pass.ts'
import type { HttpAnswer } from '../http/http.ts'

const FILE_HEADERS = { accept: 'application/fhir+ndjson', 'accept-encoding': ACCEPT_ENCODING }

/**
 * What belongs to a file between two requests. The consumer sees one clean stream: a download that goes on (`Range`)
 * continues it after a gap in time; one that begins again ends it with an error and calls the consumer anew. Nothing of
 * it outlives the process: a staged part is thrown away by the next one.
 */
export class Download<T> {
  private readonly taker: FileTaker<T>
  private readonly restartsMax: number
  private pass: Pass<T> | undefined
  private restarts = 0

  /** @param restartsMax how often the server may not go on where it offered to */
  constructor(taker: FileTaker<T>, restartsMax: number) {
    this.taker = taker
    this.restartsMax = restartsMax
  }

  headers(): Record<string, string> {
    return { ...FILE_HEADERS, ...this.pass?.range }
  }

  /**
   * Takes an accepted answer.
   * @returns the consumer's result; undefined when another request is to be sent, with {@link headers} as they are then
   * @throws BrokenBody when the same request is to be sent again
   */
  async take(answer: HttpAnswer): Promise<{ readonly value: T } | undefined> {
    if (this.pass !== undefined && !this.pass.accepts(answer)) await this.startOver()
    if (this.pass === undefined) {
      if (answer.status === 206) {
        await this.startOver()
        return undefined
      }
      // Not ready yet, says a server that makes its files late.
      if (answer.status === 202) throw new BrokenBody(undefined)
      this.pass = new Pass(answer, this.taker)
    }
    const { pass } = this
    if ((await pass.feed(answer)) === 'more') return undefined
    this.pass = undefined
    return { value: await pass.result() }
  }

  /** Gives up what has come: the server will not go on with it. */
  async startOver(): Promise<void> {
    await this.abandon(new BrokenBody(undefined))
    this.restarts += 1
    if (this.restarts <= this.restartsMax) return
    throw new StokerError(
      'BULK_UNREACHABLE',
      'the download failed: it breaks off, and the server does not go on with it',
      {
        retryable: true,
        hint: "run again; if it stays, ask the server's operator about Range requests for its files",
        facts: { step: 'file' },
      },
    )
  }

  async abandon(error: Error): Promise<void> {
    const { pass } = this
    this.pass = undefined
    await pass?.drop(error)
  }
}
