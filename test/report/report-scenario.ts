/** A scenario whose runs are reported, and an endpoint that takes OpenLineage events. */
import { existsSync, readFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { LineageEvent } from '../../src/report/open-lineage/run-events.ts'
import type { Scenario } from '../scenario/harness.ts'

/** Lines of a file of JSON objects; none of one that is not there. */
export function jsonLines<T>(path: string): T[] {
  if (!existsSync(path)) return []
  const lines = readFileSync(path, 'utf8').split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as T)
}

export function eventsIn(scenario: Scenario, name = 'lineage.ndjson'): LineageEvent[] {
  return jsonLines(join(scenario.folder, name))
}

export interface Posted {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly event: LineageEvent
}

/** Answers with `status`, which may be changed at any time; 0: never. */
export class Endpoint {
  status = 201
  readonly posted: Posted[] = []
  private readonly server: Server
  private onPost: () => void = () => undefined

  private constructor(server: Server) {
    this.server = server
  }

  static async start(port = 0): Promise<Endpoint> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    const endpoint = new Endpoint(server)
    server.on('request', (request, response) => {
      void text(request).then((body) => {
        const event = JSON.parse(body) as LineageEvent
        endpoint.posted.push({ path: request.url ?? '', headers: request.headers, event })
        if (endpoint.status > 0) response.writeHead(endpoint.status).end('what the endpoint says: ENDPOINT-SAYS')
        endpoint.onPost()
      })
    })
    return endpoint
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port
  }

  get url(): URL {
    return new URL(`http://127.0.0.1:${this.port}/api/v1/lineage`)
  }

  /** Resolves when so many events were posted. */
  async until(count: number): Promise<void> {
    while (this.posted.length < count) await new Promise<void>((resolve) => (this.onPost = resolve))
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections()
    await new Promise((resolve) => this.server.close(resolve))
  }
}

/** Lines of the configuration that report to files in the scenario's folder. */
export const REPORTS = `reports:
  bulkLog: bulk-log.ndjson
  openLineage: { file: lineage.ndjson, namespace: house }
`
