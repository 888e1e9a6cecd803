/** What a server says of a request it refused: OperationOutcome or OAuth error, cut short for a message. */
import type { Secrets } from './secrets.ts'

/** What an issue says without words. */
export interface Issue {
  readonly severity: string | undefined
  readonly code: string
}

export interface ServerWords {
  /** Of an OperationOutcome: those that have a code. */
  readonly issues: readonly Issue[]
  /** Their codes. */
  readonly codes: readonly string[]
  /** A few of the server's words; empty when it gave none that can be shown. */
  readonly text: string
}

const TEXT_LENGTH_MAX = 200

/** Of `issue.code` what looks like a code: some servers put a sentence there. */
const CODE = /^[a-z][a-z-]{0,39}$/

/**
 * Reads an error body of any kind. HTML, text and what else is no JSON tells nothing and is not quoted.
 */
export function serverWords(body: string, secrets: Secrets): ServerWords {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    return SILENCE
  }
  if (typeof value !== 'object' || value === null) return SILENCE
  const { resourceType, issue, error, error_description: description } = value as Record<string, unknown>
  if (resourceType === 'OperationOutcome' && Array.isArray(issue)) {
    const sent = issue as SentIssue[]
    const issues = sent.flatMap((each) => {
      const code = codeOf(each?.code)
      return code === undefined ? [] : [{ severity: codeOf(each?.severity), code }]
    })
    const codes = issues.map(({ code }) => code)
    const words = sent.map((each) => each?.diagnostics ?? each?.details?.text).find(isText)
    return { issues, codes, text: clip([codes[0], words].filter(Boolean).join(': '), secrets) }
  }
  if (!isText(error)) return SILENCE
  return { ...SILENCE, text: clip([error, description].filter(isText).join(': '), secrets) }
}

const SILENCE: ServerWords = { issues: [], codes: [], text: '' }

interface SentIssue {
  readonly severity?: unknown
  readonly code?: unknown
  readonly diagnostics?: unknown
  readonly details?: { readonly text?: unknown }
}

function codeOf(value: unknown): string | undefined {
  return isText(value) && CODE.test(value) ? value : undefined
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

/** One line, without secrets and what looks like a token or the query of a URL. */
function clip(text: string, secrets: Secrets): string {
  const safe = secrets
    .hide(text, '[secret]')
    // White space, and what a terminal would obey.
    .replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ')
    .replace(/eyJ[\w-]+\.[\w.-]+/g, '[token]')
    .replace(/(https?:\/\/[^\s?]+)\?\S*/gi, '$1')
    .replace(/\?[^\s?]*=\S*/g, '')
  return safe.length > TEXT_LENGTH_MAX ? `${safe.slice(0, TEXT_LENGTH_MAX - 1)}…` : safe
}
