/** `Retry-After` in all the ways it is written (RFC 9110, section 10.2.3, and worse). */
import type { Clock } from '../core/clock.ts'
import type { RetryAfterForm, StatusBehaviour } from './behaviour/status-behaviour.ts'

/** A thousand days. */
const ABSURD_SECONDS = 86_400_000

/** The header as the behaviour has it, or none. */
export function retryAfterHeaders(
  { retryAfter, retryAfterSeconds }: StatusBehaviour,
  clock: Clock,
): Readonly<Record<string, string>> {
  const text = retryAfterText(retryAfter, retryAfterSeconds, clock)
  return text === undefined ? {} : { 'Retry-After': text }
}

export function retryAfterText(form: RetryAfterForm, seconds: number, clock: Clock): string | undefined {
  const untilMs = clock.now().getTime() + Math.round(seconds * 1000)
  const texts: Readonly<Record<RetryAfterForm, string | undefined>> = {
    seconds: String(seconds),
    'http-date': new Date(untilMs).toUTCString(),
    'epoch-seconds': String(Math.ceil(untilMs / 1000)),
    'epoch-milliseconds': String(untilMs),
    absent: undefined,
    absurd: String(ABSURD_SECONDS),
  }
  return texts[form]
}
