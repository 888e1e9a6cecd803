/** Tells a lone OperationOutcome, sent with status 200 in a file's place, from the file. */
import { Transform, type TransformCallback } from 'node:stream'
import { StokerError } from '../core/errors.ts'
import { isOutcome, serverWords } from './outcome.ts'

/** An OperationOutcome that says why there is no file is far shorter; what is longer passes without a look. */
const OUTCOME_BYTES_MAX = 64 * 1024

/** JSON that does not call itself NDJSON; some servers send NDJSON under this name all the same. */
const JSON_TYPE = /^\s*application\/(fhir\+)?json\b/i

export function mayBeOutcome(contentType: string | undefined): boolean {
  return JSON_TYPE.test(contentType ?? '')
}

/** Passes bytes on as they are, the first of them a little late. Fails with BULK_FILE_LOST. */
export class OutcomeGuard extends Transform {
  /** Undefined once the body is too long to be what is looked for. */
  private held: Buffer[] | undefined = []
  private heldBytes = 0

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    if (this.held === undefined) {
      done(null, chunk)
      return
    }
    this.held.push(chunk)
    this.heldBytes += chunk.length
    if (this.heldBytes > OUTCOME_BYTES_MAX) this.letGo()
    done()
  }

  override _flush(done: TransformCallback): void {
    const text = Buffer.concat(this.held ?? []).toString('utf8')
    if (isOutcome(text)) {
      done(outcomeError(text))
      return
    }
    this.letGo()
    done()
  }

  private letGo(): void {
    if (this.held !== undefined && this.heldBytes > 0) this.push(Buffer.concat(this.held))
    this.held = undefined
  }
}

function outcomeError(text: string): StokerError {
  const words = serverWords(text)
  const said = words.text === '' ? '' : `: ${words.text}`
  return new StokerError('BULK_FILE_LOST', `the server sent an OperationOutcome where NDJSON should be${said}`, {
    hint: 'its types are held back and asked for again by the next run',
    facts: { step: 'file', issue: words.codes[0] },
  })
}
