/** One request and its answer: what a step of the demo server reads and the ways it can reply. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../core/clock.ts'
import { HtmlRefusal, operationOutcome, Refusal } from './refusal.ts'

const FHIR_JSON = 'application/fhir+json; charset=utf-8'
const BODY_BYTES_MAX = 16 << 20

export class Exchange {
  readonly request: IncomingMessage
  /** For answers that are streamed; short ones have the methods below. */
  readonly response: ServerResponse
  /** The request's path and query as the client wrote them, on the server's own origin. */
  readonly url: URL

  constructor(request: IncomingMessage, response: ServerResponse, origin: string, clock: Clock) {
    this.request = request
    this.response = response
    // A path like `//` is no relative URL; joined as text it is one, and the client gets its 404.
    const written = `${origin}${request.url ?? '/'}`
    this.url = new URL(URL.canParse(written) ? written : origin)
    response.sendDate = false
    response.setHeader('Date', clock.now().toUTCString())
  }

  header(name: string): string {
    const value = this.request.headers[name.toLowerCase()]
    return Array.isArray(value) ? value.join(', ') : (value ?? '')
  }

  /** Throws a Refusal (413) for a body of more than 16 MiB. */
  async text(): Promise<string> {
    const chunks: Buffer[] = []
    let bytes = 0
    for await (const chunk of this.request as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > BODY_BYTES_MAX) throw new Refusal(413, 'too-long', 'The body is longer than 16 MiB.')
      chunks.push(chunk)
    }
    return Buffer.concat(chunks).toString('utf8')
  }

  async json(): Promise<unknown> {
    const text = await this.text()
    try {
      return JSON.parse(text)
    } catch {
      throw new Refusal(400, 'structure', 'The body is not JSON.')
    }
  }

  reply(status: number, json: object, headers: Readonly<Record<string, string>> = {}): void {
    this.#replyText(status, JSON.stringify(json), { 'Content-Type': 'application/json', ...headers })
  }

  replyFhir(status: number, resource: object, headers: Readonly<Record<string, string>> = {}): void {
    this.reply(status, resource, { 'Content-Type': FHIR_JSON, ...headers })
  }

  /** What stands before a FHIR server answers like this. */
  replyHtml(status: number, message: string, headers: Readonly<Record<string, string>> = {}): void {
    const body = `<!DOCTYPE html>\n<html><head><title>${status}</title></head><body><h1>${message}</h1></body></html>\n`
    this.#replyText(status, body, { 'Content-Type': 'text/html; charset=utf-8', ...headers })
  }

  /** How a storage service answers that knows nothing of FHIR. */
  replyXml(status: number, code: string, message: string): void {
    const body = `<?xml version="1.0" encoding="utf-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>\n`
    this.#replyText(status, body, { 'Content-Type': 'application/xml' })
  }

  replyEmpty(status: number, headers: Readonly<Record<string, string>> = {}): void {
    this.response.writeHead(status, { 'Content-Length': '0', ...headers }).end()
  }

  /** A 304, which has no body and says nothing of its length. */
  replyNotModified(headers: Readonly<Record<string, string>>): void {
    this.response.writeHead(304, headers).end()
  }

  /** @param type media type of the OperationOutcome that says why */
  refuse(refusal: Refusal, type = FHIR_JSON): void {
    const { status, issue, message, headers } = refusal
    if (refusal instanceof HtmlRefusal) this.replyHtml(status, message)
    else this.replyFhir(status, operationOutcome('error', issue, message), { ...headers, 'Content-Type': type })
  }

  #replyText(status: number, body: string, headers: Readonly<Record<string, string>>): void {
    this.response.writeHead(status, { 'Content-Length': String(Buffer.byteLength(body)), ...headers })
    this.response.end(body)
  }
}
