/** Instants and ages as people read them, with the exact one behind. */
import { html } from 'hono/html'
import type { Html } from './html.ts'

const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
] as const

/** One unit, and rounded down: `3 min`, `47 h`, `3 d`. Two days are the first that are told in days. */
export function ageText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  for (const [unit, size] of UNITS) {
    if (seconds >= (unit === 'd' ? 2 * size : size)) return `${Math.floor(seconds / size)} ${unit}`
  }
  return `${seconds} s`
}

/** `3 min ago`, `in 2 h`. */
export function relativeText(at: Date, now: Date): string {
  const ms = now.getTime() - at.getTime()
  return ms < 0 ? `in ${ageText(-ms)}` : `${ageText(ms)} ago`
}

/** `2026-11-21 18:15:07 UTC` */
function exactText(at: Date): string {
  return `${at.toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

/** Relative, with the exact instant for a pointer, a screen reader and a program. */
export function moment(at: Date | null | undefined, now: Date): Html {
  return at == null ? html`–` : timed(at, relativeText(at, now))
}

/** The exact instant, and how long ago it was: for what is to be found in a log as well. */
export function instantAgo(at: Date, now: Date): Html {
  return html`${instant(at)}, ${relativeText(at, now)}`
}

/** How old it is: `3 min`. */
export function age(at: Date, now: Date): Html {
  return timed(at, ageText(now.getTime() - at.getTime()))
}

/** The exact instant, for where it is what one looks for. */
export function instant(at: Date | null | undefined): Html {
  return at == null ? html`–` : timed(at, exactText(at), 'exact')
}

/** Only an exact one may break into two lines, where there is little room. */
function timed(at: Date, text: string, kind?: 'exact'): Html {
  return html`<time datetime="${at.toISOString()}" title="${exactText(at)}" ${kind && html` class="${kind}"`}
    >${text}</time
  >`
}
