/** A listening socket: opened on an address or refused with a way out, given to an application, closed with all it holds. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import type { Hono } from 'hono'
import { StokerError } from '../core/errors.ts'
import type { HttpEnv } from './deps.ts'

/** What a client may take its time for. */
export interface HttpTimes {
  readonly headersMs: number
  /** For all of a request. */
  readonly requestMs: number
  /** Without a byte in either direction; a stream of events has something to say more often. */
  readonly idleMs: number
  /** For answers under way, when the worker stops. */
  readonly closeMs: number
}

export const HTTP_TIMES: HttpTimes = { headersMs: 10_000, requestMs: 30_000, idleMs: 300_000, closeMs: 1_000 }
const KEEP_ALIVE_MS = 5_000
/** So often slow clients are looked for. */
const LOOK_MS = 1_000
const CONNECTIONS_MAX = 256
const HEADER_BYTES_MAX = 16 << 10

export class Listener {
  private readonly server: Server
  private readonly times: HttpTimes

  private constructor(server: Server, times: HttpTimes) {
    this.server = server
    this.times = times
  }

  /** @throws StokerError HTTP_PORT_TAKEN, HTTP_ADDRESS */
  static async open(host: string, port: number, times: HttpTimes): Promise<Listener> {
    const server = createServer({
      headersTimeout: times.headersMs,
      requestTimeout: times.requestMs,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: LOOK_MS,
      maxHeaderSize: HEADER_BYTES_MAX,
    })
    server.maxConnections = CONNECTIONS_MAX
    server.timeout = times.idleMs
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => reject(openError(error, host, port)))
      server.listen(port, host, resolve)
    })
    // A connection that the system could not accept is the client's loss, not the worker's.
    server.on('error', () => undefined)
    return new Listener(server, times)
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port
  }

  serve(application: Hono<HttpEnv>): void {
    const listener = getRequestListener((request, env) => application.fetch(request, env), {
      // Of a request without a Host header, which on loopback is refused.
      hostname: 'stoker.invalid',
      overrideGlobalObjects: false,
    })
    this.server.on('request', (request, response) => {
      // Names of hosts know no case; the listener takes one in capitals for a trick.
      request.headers.host &&= request.headers.host.toLowerCase()
      void listener(request, response)
    })
  }

  /** Takes no more requests; answers under way have a moment, connections without one none. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()))
    this.server.closeIdleConnections()
    const late = setTimeout(() => this.server.closeAllConnections(), this.times.closeMs)
    await closed
    clearTimeout(late)
  }
}

/** A name under which this machine reaches what listens on `host`. */
export function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}

function openError(error: NodeJS.ErrnoException, host: string, port: number): StokerError {
  const facts = { host, port, errno: error.code }
  const options = { facts, cause: error }
  if (error.code === 'EADDRINUSE') {
    return new StokerError('HTTP_PORT_TAKEN', `port ${port} of ${host} is in use by another program`, {
      hint: 'end that program (another worker, perhaps), or give http.listen in the configuration another port, 0 for any that is free, or none',
      ...options,
    })
  }
  const what = error.code === 'EACCES' ? 'this user may not listen there' : 'this machine has no such address'
  return new StokerError('HTTP_ADDRESS', `the worker can not listen on ${host}, port ${port}: ${what}`, {
    hint: 'give http.listen in the configuration an address of this machine and a port above 1023, 127.0.0.1:8650 for example',
    ...options,
  })
}
