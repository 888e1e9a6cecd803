/** The worker's HTTP server on a real socket, and a client that shows exactly the headers a test names. */
import { request, type IncomingHttpHeaders } from 'node:http'
import { Hono } from 'hono'
import type { HttpConfig } from '../../src/app/config-service.ts'
import type { HttpDeps, HttpEnv, Pages } from '../../src/http/deps.ts'
import { assetRoutes } from '../../src/http/page/assets.ts'
import { httpTask, type HttpTask } from '../../src/http/http-task.ts'
import { HTTP_TIMES, type HttpTimes } from '../../src/http/listener.ts'

export const LOOPBACK: HttpConfig = { host: '127.0.0.1', port: 0, isLoopback: true, token: undefined }

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** Undefined where it is none. */
  readonly json: Record<string, unknown> | undefined
}

interface Sent {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string | undefined>>
  readonly body?: string | Uint8Array
}

export interface Served {
  readonly url: string
  readonly port: number
  readonly ended: Promise<void>
  readonly ask: (path: string, sent?: Sent) => Promise<Answer>
  readonly stop: () => Promise<void>
}

const routes = new Hono<HttpEnv>()
routes.get('/', (c) => c.html(`<p>signed in: ${c.var.signedIn}</p>`))
routes.get('/login', (c) => c.html('<form method="post" action="/login"></form>'))
routes.route('/', assetRoutes())
routes.post('/sources/:name/sync', async (c) => {
  const { back } = await c.req.parseBody()
  return c.text(typeof back === 'string' ? back : '')
})
export const PAGES: Pages = { routes, unknown: async (c) => c.html('<p>no such page</p>', 404) }

export async function serve(
  deps: HttpDeps,
  listen: HttpConfig = LOOPBACK,
  times: Partial<HttpTimes> = {},
): Promise<Served> {
  const task: HttpTask = httpTask(deps, listen, PAGES, { ...HTTP_TIMES, ...times })
  const ended = task.run()
  ended.catch(() => undefined)
  const url = await task.listening
  return {
    url,
    port: Number(new URL(url).port),
    ended,
    ask: (path, sent) => ask(url, path, sent),
    stop: () => task.stop(),
  }
}

/** `path` goes out as it is written, and a header of undefined not at all. */
export function ask(url: string, path: string, { method = 'GET', headers = {}, body }: Sent = {}): Promise<Answer> {
  const { hostname, port, host } = new URL(url)
  const shown = Object.entries({ host, ...headers }).filter(([, value]) => value !== undefined)
  return new Promise((resolve, reject) => {
    const sending = request(
      {
        ...{ host: hostname.replace(/^\[|\]$/g, ''), port, path, method, setHost: false, agent: false },
        headers: Object.fromEntries(shown) as Record<string, string>,
      },
      (answer) => {
        let text = ''
        answer.setEncoding('utf8').on('data', (piece: string) => (text += piece))
        answer.on('error', reject)
        answer.on('end', () => {
          const isJson = answer.headers['content-type']?.startsWith('application/json') && text !== ''
          const json = isJson ? (JSON.parse(text) as Record<string, unknown>) : undefined
          resolve({ status: answer.statusCode!, headers: answer.headers, text, json })
        })
      },
    )
    sending.on('error', reject)
    sending.end(body)
  })
}
