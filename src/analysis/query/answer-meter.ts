/** Counts an answer while it is written, and ends it where it has more than it may. */
import { once } from 'node:events'
import type { Writable } from 'node:stream'
import { StokerError } from '../../core/errors.ts'
import type { AnswerLimits } from './query-request.ts'

/** Texts are gathered up to so many characters: a write for each row is slow, a chunk of 2,048 long rows no string. */
const GATHERED = 1 << 16

export class AnswerMeter {
  rows = 0
  bytes = 0
  private readonly out: Writable
  private readonly limits: AnswerLimits
  private gathered = ''

  constructor(out: Writable, limits: AnswerLimits) {
    this.out = out
    this.limits = limits
  }

  /** To be told before the rows are written. @throws StokerError QUERY_ROWS */
  countRows(rows: number): void {
    this.rows += rows
    if (this.rows > this.limits.rows) throw tooManyRows(this.limits.rows)
  }

  async text(text: string): Promise<void> {
    this.gathered += text
    if (this.gathered.length >= GATHERED) await this.flush()
  }

  async flush(): Promise<void> {
    const text = this.gathered
    this.gathered = ''
    if (text !== '') await this.write(Buffer.from(text))
  }

  /** @throws StokerError QUERY_BYTES */
  async write(bytes: Uint8Array): Promise<void> {
    this.bytes += bytes.byteLength
    if (this.bytes > this.limits.bytes) throw tooManyBytes(this.limits.bytes)
    if (!this.out.write(bytes)) await once(this.out, 'drain')
  }
}

export function tooManyRows(limit: number): StokerError {
  return new StokerError('QUERY_ROWS', `the answer has more than ${limit.toLocaleString('en')} rows`, {
    hint: 'write LIMIT, ask for fewer rows in WHERE, or group them; nothing was cut off for you',
    facts: { limit },
  })
}

export function tooManyBytes(limit: number): StokerError {
  const mebibytes = Math.round(limit / 2 ** 20).toLocaleString('en')
  return new StokerError('QUERY_BYTES', `the answer is larger than ${mebibytes} MiB`, {
    hint: 'ask for fewer columns or rows; Parquet is the smallest format. Nothing was cut off for you',
    facts: { limit },
  })
}
