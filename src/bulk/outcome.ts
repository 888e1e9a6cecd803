/** What a server says of a request it refused: OperationOutcome or OAuth error, cut short for a message. */

export interface ServerWords {
  /** `issue.code` of an OperationOutcome. */
  readonly codes: readonly string[]
  /** A few of the server's words; empty when it gave none that can be shown. */
  readonly text: string
}

const TEXT_LENGTH_MAX = 200

/** Reads an error body of any kind. HTML, text and what else is no JSON tells nothing and is not quoted. */
export function serverWords(body: string): ServerWords {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    return { codes: [], text: '' }
  }
  if (typeof value !== 'object' || value === null) return { codes: [], text: '' }
  const { resourceType, issue, error, error_description: description } = value as Record<string, unknown>
  if (resourceType === 'OperationOutcome' && Array.isArray(issue)) {
    const issues = issue as { code?: unknown; diagnostics?: unknown; details?: { text?: unknown } }[]
    const codes = issues.map((each) => each?.code).filter((code) => typeof code === 'string')
    const words = issues.map((each) => each?.diagnostics ?? each?.details?.text).find((text) => typeof text === 'string')
    return { codes, text: clip([codes[0], words].filter(Boolean).join(': ')) }
  }
  if (typeof error === 'string') return { codes: [], text: clip([error, description].filter((each) => typeof each === 'string').join(': ')) }
  return { codes: [], text: '' }
}

/** One line, without what looks like a token or the query of a URL. */
function clip(text: string): string {
  const safe = text.replace(/\s+/g, ' ').replace(/eyJ[\w-]+\.[\w.-]+/g, '[token]').replace(/(https?:\/\/[^\s?]+)\?\S*/g, '$1')
  return safe.length > TEXT_LENGTH_MAX ? `${safe.slice(0, TEXT_LENGTH_MAX - 1)}…` : safe
}
