/** The Bulk Data protocol in front of the model, over a real socket. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { FastClock } from '../bulk/fast-clock.ts'
import { ExportJob, type Asked, type ServedFile } from './export-job.ts'
import { plain, type Habits } from './habits.ts'
import { apply, type Change, type Sync } from './history.ts'
import { ServedState, TYPES } from './served-state.ts'

interface Begun {
  readonly job: ExportJob
  files: readonly ServedFile[] | undefined
  endMs: number
}

export class ModelServer {
  readonly state: ServedState
  /** Begun and not deleted. */
  readonly jobs = new Map<string, Begun>()
  private readonly habits: Habits
  private readonly clock: FastClock
  private readonly server: Server
  private sync: Sync | undefined
  private meanwhile: Change[] = []
  private syncsMs: number[] = []
  private begun = 0
  private isPlain = false

  private constructor(habits: Habits, clock: FastClock, server: Server) {
    this.habits = habits
    this.clock = clock
    this.server = server
    this.state = new ServedState(habits)
    server.on('request', (request, response) => void this.answer(request, response))
  }

  static async start(habits: Habits, clock: FastClock): Promise<ModelServer> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new ModelServer(habits, clock, server)
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/fhir/`
  }

  get nowMs(): number {
    return this.clock.now().getTime()
  }

  change(change: Change): void {
    this.clock.pass(apply(change, this.state, this.nowMs, this.syncsMs))
  }

  /** Exports that are asked for from now on are made so. */
  expect(sync: Sync, isPlain = false): void {
    this.sync = sync
    this.isPlain = isPlain
    this.meanwhile = [...sync.meanwhile]
    this.syncsMs.push(this.nowMs)
    this.clock.pass(1)
  }

  forget(): void {
    this.jobs.clear()
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections()
    await new Promise((resolve) => this.server.close(resolve))
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request)
    const url = new URL(request.url ?? '/', this.baseUrl)
    const send = (status: number, headers: Record<string, string>, answer = '') => {
      response.writeHead(status, { Date: this.clock.now().toUTCString(), ...headers })
      response.end(answer)
    }
    if (url.pathname.endsWith('/$export')) return send(202, { 'Content-Location': this.begin(askedBy(url, body)) })
    const [, , place, file] = url.pathname.split('/')
    const begun = this.jobs.get(place ?? '')
    if (begun === undefined) return send(404, { 'Content-Type': 'application/fhir+json' }, NOT_FOUND)
    if (request.method === 'DELETE') {
      this.jobs.delete(place!)
      return send(202, {})
    }
    if (file !== undefined) {
      const { fault, text: content } = begun.files![Number(file)]!
      if (fault === 'lost') return send(404, {})
      if (fault === 'failing' && begun.job.sync === this.sync) return send(500, {})
      return send(200, { 'Content-Type': 'application/fhir+ndjson' }, content)
    }
    if (begun.files === undefined) {
      this.make(begun)
      return send(202, {})
    }
    send(200, { 'Content-Type': 'application/json' }, this.manifest(place!, begun))
  }

  private begin(asked: Asked): string {
    this.begun += 1
    const habits = this.isPlain ? plain(this.habits) : this.habits
    const job = new ExportJob(asked, this.sync!, this.begun, this.state, habits, this.nowMs)
    this.jobs.set(String(this.begun), { job, files: undefined, endMs: 0 })
    this.clock.pass(1)
    return `${this.baseUrl.replace('/fhir/', '/jobs/')}${this.begun}`
  }

  /** What happens meanwhile does so while the first export reads that is more than a list of members. */
  private make(begun: Begun): void {
    const { job } = begun
    const changes = job.asked.idsOnly ? [] : this.meanwhile.splice(0)
    job.read(
      () => this.nowMs,
      (count) => {
        for (const change of changes.splice(0, count)) this.change(change)
      },
    )
    for (const change of changes) this.change(change)
    begun.files = job.files()
    begun.endMs = this.nowMs
  }

  private manifest(place: string, { job, files, endMs }: Begun): string {
    const list = (kind: ServedFile['kind']) =>
      files!.flatMap((file, number) => {
        if (file.kind !== kind) return []
        const url = `${this.baseUrl.replace('/fhir/', '/jobs/')}${place}/${number}`
        return [{ type: file.type, url, ...(file.count === undefined ? {} : { count: file.count }) }]
      })
    return JSON.stringify({
      transactionTime: new Date(job.habits.transactionTime === 'begin' ? job.beginMs : endMs).toISOString(),
      request: this.baseUrl,
      requiresAccessToken: false,
      output: list('output'),
      deleted: list('deleted'),
      error: list('error'),
    })
  }
}

const NOT_FOUND = '{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"not-found"}]}'

function askedBy(url: URL, body: string): Asked {
  const given = new Map<string, string[]>()
  const add = (name: string, value: string) => given.set(name, [...(given.get(name) ?? []), ...value.split(',')])
  for (const [name, value] of url.searchParams) add(name, value)
  if (body !== '') {
    const { parameter } = JSON.parse(body) as { parameter: ({ name: string } & Record<string, unknown>)[] }
    for (const { name, valueReference, ...values } of parameter) {
      add(name, (valueReference as { reference: string } | undefined)?.reference ?? String(Object.values(values)[0]))
    }
  }
  const since = given.get('_since')?.[0]
  const types = given.get('_type') ?? TYPES
  return {
    types: TYPES.filter((type) => (types as readonly string[]).includes(type)),
    sinceMs: since === undefined ? undefined : Date.parse(since),
    patients: given.get('patient')?.map((reference) => reference.replace('Patient/', '')),
    idsOnly: given.has('_elements'),
  }
}
