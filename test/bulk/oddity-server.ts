/** A real HTTP server whose every answer a test scripts, with all that was asked of it on record. */
import { createServer, type IncomingHttpHeaders, type OutgoingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'

export interface Asked {
  readonly method: string
  /** Path without the query. */
  readonly path: string
  readonly query: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export type Answer = (asked: Asked, response: ServerResponse) => void

export class OddityServer {
  readonly asked: Asked[] = []
  readonly origin: string
  readonly port: number
  private readonly scripts = new Map<string, Answer[]>()

  constructor(port: number) {
    this.port = port
    this.origin = `http://127.0.0.1:${port}`
  }

  get baseUrl(): URL {
    return new URL(`${this.origin}/fhir/`)
  }

  /** Answers `METHOD /path` with each in turn; the last one stays. What has no script answers 404. */
  on(route: string, ...answers: Answer[]): this {
    this.scripts.set(route, answers)
    return this
  }

  /** What was asked of `METHOD /path`, oldest first. */
  askedOf(route: string): Asked[] {
    return this.asked.filter(({ method, path }) => `${method} ${path}` === route)
  }

  answer(asked: Asked, response: ServerResponse): void {
    this.asked.push(asked)
    const script = this.scripts.get(`${asked.method} ${asked.path}`) ?? [reply(404)]
    const next = script.length > 1 ? script.shift() : script[0]
    next?.(asked, response)
  }
}

/** Ends with the test that started it. */
export async function startOddityServer(): Promise<OddityServer> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve))
  const oddity = new OddityServer((server.address() as AddressInfo).port)
  server.on('request', (request, response) => {
    const { pathname: path, search: query } = new URL(request.url ?? '/', oddity.origin)
    const { method = '', headers } = request
    void text(request).then((body) => oddity.answer({ method, path, query, headers, body }, response))
  })
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return oddity
}

/** A port that nobody listens on. */
export async function deadPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Objects go as JSON. */
export function reply(status: number, headers: OutgoingHttpHeaders = {}, body: string | Buffer | object = ''): Answer {
  const raw = typeof body === 'string' || Buffer.isBuffer(body)
  const type = raw ? {} : { 'Content-Type': 'application/json' }
  return (_, response) => {
    response.writeHead(status, { ...type, ...headers })
    response.end(raw ? body : JSON.stringify(body))
  }
}

/** Sends the head and a part of the body, then cuts the connection. */
export function cutOff(headers: OutgoingHttpHeaders, part: string | Buffer): Answer {
  return (_, response) => {
    response.writeHead(200, headers)
    response.write(part, () => setImmediate(() => response.destroy()))
  }
}

/** Sends the head and a part of the body, then nothing more. */
export function stall(headers: OutgoingHttpHeaders, part: string): Answer {
  return (_, response) => {
    response.writeHead(200, headers)
    response.write(part)
  }
}

/** `answer` for the one token, 401 for all else. */
export function only(token: string, answer: Answer): Answer {
  const refusal = reply(401, { 'Content-Type': 'text/html' }, '<h1>Unauthorized</h1>')
  return (asked, response) => (asked.headers.authorization === `Bearer ${token}` ? answer : refusal)(asked, response)
}

export function outcome(code: string, diagnostics: string): object {
  return { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code, diagnostics }] }
}

export const MANIFEST = {
  transactionTime: '2026-11-21T09:59:00.000Z',
  request: 'http://127.0.0.1/fhir/$export',
  requiresAccessToken: true,
  output: [],
  deleted: [],
  error: [],
}
