/** `stoker worker` over the canary lake: all that its API, its pages and its events tell, to whom it was told. */
import type { ChildProcess } from 'node:child_process'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { isAfter, workerEvents, type WorkerEvent } from '../../src/cli/worker-events.ts'
import type { ServiceEvent } from '../../src/service/control.ts'
import type { CanaryLake } from './canary-lake.ts'
import type { Mood } from './canary-server.ts'
import { ended, type Ended } from './harness.ts'

/** An answer as it went over the wire, headers and all. */
export interface Told {
  readonly name: string
  readonly status: number
  readonly text: string
}

interface Asking {
  readonly token?: string
  readonly body?: object
  readonly as?: string
  readonly signal?: AbortSignal
}

export class CanaryWorker {
  readonly told: Told[] = []
  readonly token: string
  private readonly lake: CanaryLake
  private readonly child: ChildProcess
  private readonly ended: Promise<Ended>
  private readonly url: string
  private readonly events: WorkerEvent[] = []
  private readonly waiting = new Set<() => void>()
  private readonly name: string
  private readonly over = new AbortController()
  private log = ''

  private constructor(lake: CanaryLake, name: string, child: ChildProcess, address: { url: string; token: string }) {
    this.lake = lake
    this.name = name
    this.child = child
    this.ended = ended(child)
    this.url = address.url
    this.token = address.token
    child.stderr!.on('data', (text: string) => {
      this.log += text
      for (const look of this.waiting) look()
    })
  }

  static async start(lake: CanaryLake, format: 'json' | 'pretty'): Promise<CanaryWorker> {
    const child = lake.start('worker', '--log-level', 'trace', '--log-format', format)
    const path = join(lake.root, 'http.json')
    const address = await until(async () => {
      const found = JSON.parse(await readFile(path, 'utf8')) as { url: string; token: string; pid: number }
      return found.pid === child.pid ? found : undefined
    })
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    const worker = new CanaryWorker(lake, `worker: ${format}`, child, address)
    void worker.listen().catch(() => undefined)
    await worker.happened(({ kind }) => kind === 'hello')
    return worker
  }

  get pid(): number {
    return this.child.pid!
  }

  /** @param as what it is called in `told`, if it may hold what others may not */
  async ask(path: string, { token, body, as = path, signal }: Asking = {}): Promise<Told> {
    const headers: Record<string, string> = path.startsWith('/api/') ? {} : { accept: 'text/html,*/*' }
    if (token !== undefined) headers.authorization = `Bearer ${token}`
    if (body !== undefined) headers['content-type'] = 'application/json'
    const post = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
    const answer = await fetch(`${this.url}${path}`, {
      headers,
      redirect: 'manual',
      ...post,
      ...(signal && { signal }),
    })
    const text = `${JSON.stringify([...answer.headers])}\n${await answer.text()}`
    const told = { name: as, status: answer.status, text }
    this.told.push(told)
    return told
  }

  /** A run from when it is asked for to its end. */
  async sync(mood: Mood, full = false): Promise<void> {
    const after = await this.begin(mood, full)
    await this.happened((event) => isAfter(event.id, after) && isAtRest(event))
  }

  /** A run that is cancelled as soon as `sign` happens, and what is looked at before. */
  async cancelled(mood: Mood, sign: (event: ServiceEvent) => boolean, look: () => Promise<void>): Promise<void> {
    const after = await this.begin(mood, true)
    await this.happened((event) => isAfter(event.id, after) && event.kind !== 'hello' && sign(event))
    await look()
    expect((await this.ask('/api/sources/canary/cancel', { body: {} })).status).toBe(200)
  }

  /** The configuration read again, up to the line that says what came of it. */
  async reload(line: string): Promise<void> {
    this.child.kill('SIGHUP')
    await this.until(() => this.log.includes(line))
  }

  /** What others of this machine see of it and of a process that answers a query for it: arguments, environment. */
  async seen(): Promise<{ worker: string; query: string; environment: string; spills: string[] }> {
    const of = (pid: number | string, what: string) => readFile(`/proc/${pid}/${what}`, 'latin1')
    const query = await until(async () => {
      const children = (await of(this.pid, `task/${this.pid}/children`)).split(' ').filter(Boolean)
      for (const child of children) if ((await of(child, 'cmdline')).includes('query-process')) return child
      return undefined
    })
    const spills = await readdir(join(this.lake.root, 'temp'))
    const [worker, ofQuery] = await Promise.all([of(this.pid, 'cmdline'), of(query, 'cmdline')])
    return { worker, query: ofQuery, environment: await of(query, 'environ'), spills }
  }

  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.child.kill(signal)
    this.over.abort()
    this.lake.done.push({ name: this.name, codes: [signal === 'SIGTERM' ? 143 : null], ...(await this.ended) })
  }

  /** What somebody without the token hears. */
  private async listen(): Promise<void> {
    const answer = await fetch(`${this.url}/api/events`, { signal: this.over.signal })
    const [parsed, raw] = answer.body!.tee()
    void this.keep(raw).catch(() => undefined)
    for await (const event of workerEvents(parsed)) {
      this.events.push(event)
      for (const look of this.waiting) look()
    }
  }

  private async keep(raw: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder()
    for await (const piece of raw as unknown as AsyncIterable<Uint8Array>)
      this.told.push({ name: '/api/events', status: 200, text: decoder.decode(piece, { stream: true }) })
  }

  private async begin(mood: Mood, full: boolean): Promise<string> {
    this.lake.server.mood = mood
    const { text, status } = await this.ask('/api/sources/canary/sync', { body: { full } })
    expect(status, text).toBe(202)
    return (JSON.parse(text.slice(text.indexOf('\n'))) as { after_event: string }).after_event
  }

  private happened(isMeant: (event: WorkerEvent) => boolean): Promise<void> {
    return this.until(() => this.events.some(isMeant))
  }

  private until(isSo: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (!isSo()) return
        this.waiting.delete(look)
        resolve()
      }
      this.waiting.add(look)
      look()
      void this.ended.then(({ stderr }) => reject(new Error(`the worker ended:\n${stderr}`)), reject)
    })
  }
}

function isAtRest(event: WorkerEvent): boolean {
  return event.kind === 'source' && ['idle', 'backing-off'].includes(event.state.activity)
}

/** Looks again until there is something; what can't be read yet is nothing. */
async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look().catch(() => undefined)
    if (found !== undefined) return found
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
