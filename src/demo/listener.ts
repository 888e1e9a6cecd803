/** A listening socket of the demo server: opened, given to an application, closed with all its connections. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener, type HttpBindings } from '@hono/node-server'
import type { Hono } from 'hono'
import { StokerError } from '../core/errors.ts'

export interface Listener {
  readonly port: number
  /** `http://127.0.0.1:PORT` */
  readonly origin: string
  /** Lets the application answer from now on. */
  serve(application: Hono<{ Bindings: HttpBindings }>): void
  /** Ends all connections. */
  close(): Promise<void>
}

/** @throws StokerError DEMO_PORT_TAKEN, or what the operating system says of the address. */
export async function listen(port: number, host: string): Promise<Listener> {
  const server = createServer()
  await opened(server, port, host)
  const bound = (server.address() as AddressInfo).port
  return {
    port: bound,
    origin: `http://${reachable(host)}:${bound}`,
    serve(application) {
      const listener = getRequestListener((request, env) => application.fetch(request, env))
      server.on('request', (request, response) => void listener(request, response))
    },
    async close() {
      if (!server.listening) return
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

async function opened(server: Server, port: number, host: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code !== 'EADDRINUSE'
          ? error
          : new StokerError('DEMO_PORT_TAKEN', `Port ${port} of ${host} is in use.`, {
              hint: 'Choose another port, or 0 for a free one.',
              cause: error,
            }),
      )
    })
    server.listen(port, host, resolve)
  })
}

/** A name under which this machine reaches what listens on `host`. */
function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}
