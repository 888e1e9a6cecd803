/** Failures in words: what a request that did not succeed tells the operator. */
import { StokerError } from '../core/errors.ts'
import type { HttpAnswer, HttpRequest } from './http.ts'
import type { ServerWords } from './outcome.ts'
import type { Step, Verdict } from './retry-policy.ts'
import { shown } from './url.ts'

/** For an answer that says no. */
export function refusal(
  asked: HttpRequest,
  answer: HttpAnswer,
  verdict: Verdict,
  words: ServerWords,
  hadToken: boolean,
): StokerError {
  const said = words.text === '' ? '' : `: ${words.text}`
  const message = `the server refused ${STEP_WORDS[asked.step]} (${answer.status})${said}`
  const facts = { step: asked.step, status: answer.status, url: shown(answer.url), issue: words.codes[0] }
  const hint = asked.hint ?? HINTS[asked.step]
  switch (verdict) {
    case 'gone':
      return new StokerError('BULK_EXPORT_GONE', 'the server no longer knows the export', {
        hint: 'run again: a new export is asked for',
        facts,
        retryable: true,
      })
    case 'lost':
      return new StokerError('BULK_FILE_LOST', message, {
        hint:
          answer.status === 403 || answer.status === 400
            ? "check whether the file's host needs the token (tokenOrigins) or must not get it"
            : 'its types are held back and asked for again by the next run',
        facts,
      })
    case 'sign-in-again':
      return new StokerError('BULK_UNAUTHORIZED', message, {
        hint: hadToken
          ? "check the client's permissions and the scope at the server"
          : 'the server wants a token and got none: check auth, and tokenOrigins for files on another host',
        facts,
      })
    case 'retry':
      return new StokerError('BULK_BUSY', message, {
        hint: 'the server said to come back later: run again',
        facts,
        retryable: true,
      })
    default:
      return new StokerError('BULK_REFUSED', message, { ...(hint === undefined ? {} : { hint }), facts })
  }
}

/** For an answer that did not come, or not whole. */
export function unreachable(asked: HttpRequest, cause: unknown): StokerError {
  const code = (cause as { code?: unknown } | null)?.code
  return new StokerError('BULK_UNREACHABLE', `${STEP_WORDS[asked.step]} failed: ${asked.url.host} ${reachText(code)}`, {
    retryable: true,
    hint: 'check that the server is up and that this machine reaches it (name, port, proxy, certificate)',
    facts: { step: asked.step, host: asked.url.host, cause: typeof code === 'string' ? code : undefined },
    cause,
  })
}

function reachText(code: unknown): string {
  switch (code) {
    case 'ECONNREFUSED':
      return 'refuses the connection'
    case 'ENOTFOUND':
      return 'has no address'
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'UND_ERR_HEADERS_TIMEOUT':
    case 'UND_ERR_BODY_TIMEOUT':
      return 'does not answer in time'
    default:
      if (typeof code === 'string' && /^(Z_|ERR__)/.test(code)) return 'sent a body that can not be decompressed'
      return typeof code === 'string' ? `broke the connection (${code})` : 'broke the connection'
  }
}

const STEP_WORDS: Readonly<Record<Step, string>> = {
  discovery: 'the discovery',
  token: 'the token request',
  'kick-off': 'the export request',
  status: 'the status request',
  file: 'the download',
  release: 'the deletion of the export',
}

/** A token request brings its own. */
const HINTS: Readonly<Partial<Record<Step, string>>> = {
  discovery: 'check baseUrl, or give auth.tokenUrl in the configuration',
  'kick-off': 'check level, group and types of the source against what the server can export',
  status: "run again; if it stays, ask the server's operator about the export",
  file: "run again; if it stays, ask the server's operator about the export",
  release: 'the export expires at the server by itself',
}
