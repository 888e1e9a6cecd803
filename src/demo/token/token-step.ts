/** The token endpoint of SMART Backend Services: a signed assertion, or a secret, in; an access token out. */
import { Refusal } from '../refusal.ts'
import type { Step } from '../steps.ts'
import { readableTypes } from './access-tokens.ts'

/** Errors are those of RFC 6749, section 5.2: `{error, error_description}` with 400, or 401 for a bad client. */
export const tokenStep: Step = async ({ tokens, requests, behaviour, log }, exchange) => {
  requests.tokens += 1
  if (tokens === undefined) throw new Refusal(404, 'not-supported', 'This server needs no token and gives none.')
  if (tokens.failures < behaviour.tokenFailures) {
    tokens.failures += 1
    return exchange.replyHtml(400, 'Bad Request')
  }
  const fail = (status: number, error: string, description: string) => {
    log.info({ error }, 'token refused')
    exchange.reply(status, { error, error_description: description }, { 'Cache-Control': 'no-store' })
  }

  if (!exchange.header('content-type').startsWith('application/x-www-form-urlencoded')) {
    return fail(400, 'invalid_request', 'The body must be application/x-www-form-urlencoded.')
  }
  const form = new URLSearchParams(await exchange.text())
  if (form.get('grant_type') !== 'client_credentials') {
    return fail(400, 'unsupported_grant_type', 'grant_type must be client_credentials.')
  }
  const mistake = await tokens.checkClient(exchange, form)
  if (mistake) return fail(mistake.status, mistake.error, mistake.description)
  const scope = form.get('scope') ?? ''
  const readable = readableTypes(scope)
  if (readable === undefined) return fail(400, 'invalid_scope', 'No scope like system/*.read or system/Patient.rs.')

  exchange.reply(
    200,
    {
      access_token: tokens.issue({ readable, isScoped: scope.trim() !== '' }, behaviour.tokenLifeSeconds),
      token_type: 'bearer',
      expires_in: behaviour.tokenLifeSeconds,
      scope: scope === '' ? 'system/*.rs' : scope,
    },
    { 'Cache-Control': 'no-store', Pragma: 'no-cache' },
  )
}
