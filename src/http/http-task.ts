/** The worker's HTTP server, as a task: page, API, metrics and queries on one address. */
import type { HttpConfig } from '../app/config-service.ts'
import { StokerError } from '../core/errors.ts'
import type { Task } from '../core/task.ts'
import { AccessToken, randomToken } from './access-token.ts'
import { removeAddress, writeAddress } from './address-file.ts'
import { httpApp } from './app.ts'
import { BrowserSessions } from './browser-sessions.ts'
import type { HttpDeps, Pages } from './deps.ts'
import { EventStream } from './event-stream.ts'
import { FailedTries } from './failed-tries.ts'
import { HTTP_TIMES, Listener, reachable, type HttpTimes } from './listener.ts'
import { Metrics } from './metrics.ts'

export interface HttpTask extends Task {
  /** The address as this machine reaches it, once it is open; rejects with what keeps it from that, as run() does. */
  readonly listening: Promise<string>
}

/**
 * Writes `http.json` into the lake while it is open. Without a token in the configuration it makes one for this start.
 * @throws StokerError HTTP_PORT_TAKEN, HTTP_ADDRESS, from run()
 */
export function httpTask(deps: HttpDeps, listen: HttpConfig, pages: Pages, times = HTTP_TIMES): HttpTask {
  return new HttpServer(deps, listen, pages, times)
}

class HttpServer implements HttpTask {
  readonly id = 'http'
  readonly listening: Promise<string>
  private readonly deps: HttpDeps
  private readonly listen: HttpConfig
  private readonly pages: Pages
  private readonly times: HttpTimes
  private readonly stopping = new AbortController()
  private ended: Promise<void> | undefined
  private opened!: (url: string) => void
  private failed!: (error: unknown) => void

  constructor(deps: HttpDeps, listen: HttpConfig, pages: Pages, times: HttpTimes) {
    this.deps = deps
    this.listen = listen
    this.pages = pages
    this.times = times
    this.listening = new Promise((resolve, reject) => {
      this.opened = resolve
      this.failed = reject
    })
    // Who does not wait for it learns the same from run().
    this.listening.catch(() => undefined)
  }

  async run(): Promise<void> {
    const served = this.stopping.signal.aborted ? Promise.resolve() : this.serve()
    this.ended = served.catch(() => undefined)
    await served.catch((error: unknown) => {
      this.failed(error)
      throw error
    })
    this.failed(new StokerError('HTTP_STOPPED', 'the server was stopped before it was open'))
  }

  async stop(): Promise<void> {
    this.stopping.abort()
    await this.ended
  }

  private async serve(): Promise<void> {
    const { deps, listen, pages, times } = this
    const { clock, control, lake, log } = deps
    const stopping = this.stopping.signal
    const listener = await Listener.open(listen.host, listen.port, times)
    const { port } = listener
    const token = listen.token ?? randomToken()
    const events = new EventStream(control, clock)
    const metrics = new Metrics(deps, events)
    const door = {
      isLoopback: listen.isLoopback,
      token: new AccessToken(token),
      sessions: new BrowserSessions(clock),
      tries: new FailedTries(clock),
      cookie: `stoker_session_${port}`,
    }
    const leave = metrics.listen()
    const telling = events.run()
    try {
      listener.serve(httpApp(deps, { door, events, metrics, pages, stopping }))
      const url = `http://${reachable(listen.host)}:${port}`
      await writeAddress(lake, { url, token: token.reveal() })
      log.info({ host: listen.host, port }, 'http: listening')
      this.opened(url)
      await Promise.race([aborted(stopping), telling])
    } finally {
      this.stopping.abort()
      await removeAddress(lake, token.reveal())
      leave()
      events.stop()
      await listener.close()
      await telling
    }
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
