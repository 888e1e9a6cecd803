/** POST /query: SQL over a snapshot, answered as a stream in the form that is asked for. */
import type { ServerResponse } from 'node:http'
import { Hono, type Context } from 'hono'
import { CONTENT_TYPES, QUERY_FORMATS, type QueryFormat, type QueryRequest } from '../analysis/query/query-request.ts'
import type { QueryParameters } from '../warehouse/reading/reader.ts'
import type { HttpDeps, HttpEnv } from './deps.ts'
import { signedInOnly } from './guard.ts'
import { bestType } from './media-types.ts'
import { badRequest, onlyParameters } from './parameters.ts'
import { onwards, once } from './query-stream.ts'
import { answerOf, Refused } from './refused.ts'
import { bodyObject, bodyText, mediaType } from './request-body.ts'

export interface QueryAnswer {
  readonly contentType: string
  readonly snapshot: number
  readonly body: ReadableStream<Uint8Array>
}

/**
 * The engine's side: it holds time, memory and row limits, and ends when the signal aborts or the body is cancelled.
 * @throws StokerError QUERY_…
 */
export type RunQuery = (asked: QueryRequest, signal: AbortSignal) => Promise<QueryAnswer>

/** By media type; the first is what is given where nothing is asked for. */
const FORMATS: ReadonlyMap<string, QueryFormat> = new Map(
  QUERY_FORMATS.map((format) => [CONTENT_TYPES[format].split(';')[0]!, format]),
)
const SQL_TYPES = ['application/sql', 'text/plain']
const SQL_BYTES_MAX = 1 << 20
/** Answers on their way, and queries that wait for their turn: how many run is the engine's to say. */
export const QUERIES_MAX = 32

/** @param stopping aborts when the worker stops */
export function queryRoutes({ query, log }: HttpDeps, stopping: AbortSignal): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>()
  let running = 0
  app.post('/query', signedInOnly, async (c) => {
    onlyParameters(c)
    if (query === undefined) throw new Refused(404, 'QUERY_NONE', 'this worker answers no queries')
    const asked = await askedOf(c)
    if (running >= QUERIES_MAX) throw busy()
    const left = new AbortController()
    c.req.raw.signal.addEventListener('abort', () => left.abort(), { once: true })
    running += 1
    const over = once(() => (running -= 1))
    try {
      const { contentType, snapshot, body } = await query(asked, AbortSignal.any([left.signal, stopping]))
      const reader = body.getReader()
      // What fails at once is told as an error; later there is only the end of the connection to tell it.
      const first = await reader.read()
      log.debug({ format: asked.format, snapshot }, 'a query is answered')
      const onError = (error: unknown) => {
        if (!left.signal.aborted) log.warn({ code: answerOf(error).body.error.code }, 'a query failed in its answer')
        outgoingOf(c)?.destroy()
      }
      return c.body(onwards(first, reader, { left, over, onError }), 200, {
        'Content-Type': contentType,
        'Stoker-Snapshot': String(snapshot),
        // Whoever sends it must not look for its length, and so not read ahead.
        'Transfer-Encoding': 'chunked',
      })
    } catch (error) {
      over()
      throw error
    }
  })
  return app
}

/** As SQL text, or as JSON with the SQL, the snapshot and the form in it. */
async function askedOf(c: Context): Promise<QueryRequest> {
  if (SQL_TYPES.includes(mediaType(c))) {
    const sql = sqlOf(await bodyText(c, SQL_BYTES_MAX))
    return { sql, parameters: undefined, format: acceptedFormat(c), snapshot: undefined, living: false }
  }
  const known = ['sql', 'parameters', 'format', 'snapshot', 'living']
  const { sql, parameters, format, snapshot, living = false } = await bodyObject(c, known, SQL_BYTES_MAX)
  if (snapshot !== undefined && !(Number.isSafeInteger(snapshot) && Number(snapshot) > 0))
    throw badRequest('snapshot is no number of one', '/api/snapshots lists them')
  if (typeof living !== 'boolean') throw badRequest('living is neither true nor false', 'leave it out for all rows')
  return {
    sql: sqlOf(sql),
    parameters: parametersOf(parameters),
    format: format === undefined ? acceptedFormat(c) : namedFormat(format),
    snapshot: snapshot as number | undefined,
    living,
  }
}

function sqlOf(sql: unknown): string {
  if (typeof sql === 'string' && sql.trim() !== '') return sql
  throw badRequest(
    'there is no SQL in the body',
    'send {"sql": "SELECT …"}, or the text with Content-Type: application/sql',
  )
}

function parametersOf(value: unknown): QueryParameters | undefined {
  if (value === undefined) return undefined
  const isPlain = (each: unknown) => each === null || ['string', 'number', 'boolean'].includes(typeof each)
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  if (isObject && Object.values(value).every(isPlain)) return value as QueryParameters
  throw badRequest(
    'parameters is no object of plain values',
    'send {"name": value} with texts, numbers, true, false, null',
  )
}

function namedFormat(name: unknown): QueryFormat {
  const format = QUERY_FORMATS.find((each) => each === name)
  if (format !== undefined) return format
  throw badRequest('there is no such format', `there is: ${QUERY_FORMATS.join(', ')}`)
}

function acceptedFormat(c: Context): QueryFormat {
  const type = bestType(c.req.header('accept'), [...FORMATS.keys()])
  if (type !== undefined) return FORMATS.get(type)!
  throw new Refused(406, 'HTTP_NOT_ACCEPTABLE', 'there is no answer of a type that Accept names', {
    hint: `there is: ${[...FORMATS.keys()].join(', ')}`,
  })
}

function outgoingOf(c: Context): ServerResponse | undefined {
  return (c.env as { readonly outgoing?: ServerResponse } | undefined)?.outgoing
}

function busy(): Refused {
  return new Refused(503, 'QUERY_BUSY', `${QUERIES_MAX} queries are under way already`, {
    retryable: true,
    hint: 'try again when one of them is over',
    headers: { 'Retry-After': '5' },
  })
}
