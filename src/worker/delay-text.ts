/** Why a run stands still for a while, in a sentence for an operator. */
import { durationText } from '../core/figures.ts'

const REASONS: Readonly<Record<string, string>> = {
  BULK_BUSY: 'the server is busy, or asks for fewer calls',
  BULK_UNREACHABLE: 'the server is out of reach',
}

export interface Delay {
  readonly code: string
  readonly ms: number
  /** Of the answer, where there was one. */
  readonly status?: number | undefined
  /** Of a download. */
  readonly file?: number | undefined
  readonly type?: string | undefined
}

export function delayText({ code, ms, status, file, type }: Delay): string {
  const answered = status === undefined ? '' : ` (${status})`
  const reason = `${reasonText({ code, status })}${answered}`
  const about = file === undefined ? '' : `file ${file}${type === undefined ? '' : ` (${type})`}: `
  return `${about}${reason}: next try in ${durationText(ms)}`
}

/** Of a delay in general, without its numbers. */
export function reasonText({ code, status }: Pick<Delay, 'code' | 'status'>): string {
  if (NOT_BUSY.has(status)) return 'the server does not give it now, and says that it may later'
  return REASONS[code] ?? 'the server does not answer as it should'
}

/** Statuses that are final by themselves, and are waited for because of the words that came with them. */
const NOT_BUSY: ReadonlySet<number | undefined> = new Set([400, 403, 404, 409, 410, 412, 422])
