/** Why a run stands still for a while, in a sentence for an operator. */
import { durationText } from './figures.ts'

const REASONS: Readonly<Record<string, string>> = {
  BULK_BUSY: 'the server is busy, or asks for fewer calls',
  BULK_UNREACHABLE: 'the server is out of reach',
}

export function delayText({ code, ms }: { readonly code: string; readonly ms: number }): string {
  return `${REASONS[code] ?? 'the server does not answer as it should'}: next try in ${durationText(ms)}`
}
