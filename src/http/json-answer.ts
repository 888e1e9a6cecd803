/** Answers in JSON: keys in snake_case, times in ISO form. */
import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { snakeKeys } from './json-keys.ts'
import type { ErrorAnswer } from './refused.ts'

export function jsonAnswer(c: Context, value: object, status: ContentfulStatusCode = 200): Response {
  return c.body(JSON.stringify(value, snakeKeys), status, { 'Content-Type': 'application/json' })
}

export function errorAnswer(c: Context, { status, headers, body }: ErrorAnswer): Response {
  return c.body(JSON.stringify(body), status as ContentfulStatusCode, {
    ...headers,
    'Content-Type': 'application/json',
  })
}
