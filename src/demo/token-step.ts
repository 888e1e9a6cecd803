/** The token endpoint of SMART Backend Services: a signed assertion in, an access token out. */
import { readableTypes, TOKEN_LIFE_SECONDS } from './access-tokens.ts'
import { Refusal } from './refusal.ts'
import type { Step } from './steps.ts'

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** Errors are those of RFC 6749, section 5.2: `{error, error_description}` with 400, or 401 for a bad assertion. */
export const tokenStep: Step = async ({ tokens, requests, log }, exchange) => {
  requests.tokens += 1
  if (tokens === undefined) throw new Refusal(404, 'not-supported', 'This server needs no token and gives none.')
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
  const assertion = form.get('client_assertion')
  if (assertion === null || form.get('client_assertion_type') !== ASSERTION_TYPE) {
    return fail(400, 'invalid_request', `client_assertion is needed, and client_assertion_type ${ASSERTION_TYPE}.`)
  }
  const mistake = await tokens.checkAssertion(assertion)
  if (mistake !== undefined) return fail(401, 'invalid_client', mistake)
  const scope = form.get('scope') ?? ''
  const readable = readableTypes(scope)
  if (readable === undefined) return fail(400, 'invalid_scope', 'No scope like system/*.read or system/Patient.rs.')

  exchange.reply(
    200,
    {
      access_token: tokens.issue(readable),
      token_type: 'bearer',
      expires_in: TOKEN_LIFE_SECONDS,
      scope: scope === '' ? 'system/*.rs' : scope,
    },
    { 'Cache-Control': 'no-store', Pragma: 'no-cache' },
  )
}
