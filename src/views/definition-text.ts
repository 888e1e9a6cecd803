/** The text of a ViewDefinition's file as JSON. */
import { ViewError } from './view-error.ts'

/** @throws ViewError VIEW_INVALID with the place in the text where it ceases to be JSON */
export function parseDefinition(text: string): unknown {
  // What some editors put first; to JSON.parse it is a mistake.
  const json = text.replace(/^\uFEFF/, ' ')
  const message = messageOf(json)
  if (message === undefined) return JSON.parse(json)
  const problem = message.replace(/,? ?(?:\.\.\.)?"[\s\S]*| in JSON at position[\s\S]*/, '')
  throw new ViewError('VIEW_INVALID', `this is no JSON: ${problem}`, { position: brokenAt(json) })
}

/** Not every message names the place: it is behind the longest beginning that could still become JSON. */
function brokenAt(json: string): number {
  let [good, bad] = [0, json.length]
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2)
    if (isBeginning(json.slice(0, middle))) good = middle
    else bad = middle
  }
  return Math.max(bad, 1)
}

function isBeginning(text: string): boolean {
  const message = messageOf(text)
  if (message === undefined || /end of JSON input|Unterminated string/.test(message)) return true
  return Number(/at position (\d+)/.exec(message)?.[1]) === text.length
}

function messageOf(text: string): string | undefined {
  try {
    JSON.parse(text)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
