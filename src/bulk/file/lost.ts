/** What came in a file's place and is no file: in words for the operator. */
import { StokerError } from '../../core/errors.ts'
import { serverWords } from '../http/outcome.ts'
import type { Secrets } from '../http/secrets.ts'

/** Its types are not complete without it, and there is nothing to wait for. */
export function lost(message: string, hint = LATER) {
  return new StokerError('BULK_FILE_LOST', message, { hint, facts: { step: 'file' } })
}

const LATER = 'its types are held back and asked for again by the next run'

export function webPage(): StokerError {
  return lost(
    'the server sent a web page where NDJSON should be',
    "a sign-in page or a proxy's: look at the file's address with the server's operator",
  )
}

export function xml(): StokerError {
  return lost(
    'the server sent XML where NDJSON should be; Stoker asks for ndjson',
    "have the server export application/fhir+ndjson, or look at the file's address with its operator",
  )
}

export function notJson(cause?: unknown): StokerError {
  return new StokerError(
    'BULK_FILE_LOST',
    'the server sent JSON that is broken in the middle, where NDJSON should be',
    {
      hint: 'report it to the server; its types are held back and asked for again by the next run',
      facts: { step: 'file' },
      cause,
    },
  )
}

/** @param text the OperationOutcome; undefined where it is too long to be read */
export function outcomeInstead(text: string | undefined, secrets: Secrets): StokerError {
  const words = serverWords(text ?? '', secrets)
  const said = words.text === '' ? '' : `: ${words.text}`
  const what = 'the server sent an OperationOutcome where NDJSON should be'
  const record = words.code === undefined ? what : `${what}: ${words.code}`
  const facts = { step: 'file', issue: words.codes[0], severity: severityOf(text) }
  return new StokerError('BULK_FILE_LOST', `${what}${said}`, { hint: LATER, facts, record })
}

/** http://hl7.org/fhir/issue-severity */
function severityOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const { issue } = JSON.parse(text) as { issue?: { severity?: unknown }[] }
  const severities = Array.isArray(issue) ? issue.map((each) => each?.severity) : []
  return ['fatal', 'error', 'warning', 'information'].find((each) => severities.includes(each))
}
