/** What a server says of a request it refused: OperationOutcome or OAuth error, cut short for a message. */
import { ISSUE_CODES, ISSUE_SEVERITIES } from '../../core/issue-codes.ts'
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
  /** The first of them, or the code of an OAuth error. */
  readonly code: string | undefined
  /** A few of the server's words; empty when it gave none that can be shown. */
  readonly text: string
}

const TEXT_LENGTH_MAX = 200

const CODES: ReadonlySet<string> = new Set(ISSUE_CODES)
const SEVERITIES: ReadonlySet<string> = new Set(ISSUE_SEVERITIES)
/** RFC 6749, section 5.2. */
const OAUTH_CODES: ReadonlySet<string> = new Set([
  ...['invalid_request', 'invalid_client', 'invalid_grant', 'unauthorized_client'],
  ...['unsupported_grant_type', 'invalid_scope'],
])

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
      const code = known(CODES, each?.code)
      return code === undefined ? [] : [{ severity: known(SEVERITIES, each?.severity), code }]
    })
    const codes = issues.map(({ code }) => code)
    const words = sent.map((each) => each?.diagnostics ?? each?.details?.text).find(isText)
    return { issues, codes, code: codes[0], text: clip([codes[0], words].filter(Boolean).join(': '), secrets) }
  }
  if (!isText(error)) return SILENCE
  return {
    ...SILENCE,
    code: known(OAUTH_CODES, error),
    text: clip([error, description].filter(isText).join(': '), secrets),
  }
}

const SILENCE: ServerWords = { issues: [], codes: [], code: undefined, text: '' }

interface SentIssue {
  readonly severity?: unknown
  readonly code?: unknown
  readonly diagnostics?: unknown
  readonly details?: { readonly text?: unknown }
}

function known(codes: ReadonlySet<string>, value: unknown): string | undefined {
  return isText(value) && codes.has(value) ? value : undefined
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
