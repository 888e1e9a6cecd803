/** Tells others of runs, as OpenLineage events: to a file, to an endpoint, or both. Never holds up a run, nor fails it. */
import { join } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import { foreseen } from '../../core/system-error.ts'
import { StokerError } from '../../core/errors.ts'
import type { Ask } from '../../ledger/run-details.ts'
import type { RunEvent } from '../../worker/events.ts'
import { LineFile } from '../line-file.ts'
import { Delivery, type Endpoint } from './delivery.ts'
import { Outbox } from './outbox.ts'
import { RunEvents, type RunEventSettings } from './run-events.ts'
import { Spool } from './spool.ts'

export interface ReporterOptions {
  readonly settings: RunEventSettings
  /** Absolute path: one event a line. */
  readonly file: string | undefined
  readonly endpoint: Endpoint | undefined
  /** Of the lake, for what is to be remembered and delivered. */
  readonly folder: string
  /** Over a session of its own. */
  readonly ask: Ask
  readonly clock: Clock
  readonly log: Log
  readonly random: () => number
}

export class Reporter {
  private readonly options: ReporterOptions
  private readonly outboxes: readonly Outbox[]
  private readonly spool: Spool
  private readonly delivery: Delivery | undefined
  /** What is to be done, one after the other. */
  private work: Promise<void> = Promise.resolve()
  private looksDue = 0

  constructor(options: ReporterOptions) {
    const { settings, file, endpoint, folder, ask, clock, log, random } = options
    this.options = options
    const events = new RunEvents(settings)
    this.spool = new Spool({ folder: join(folder, 'spool'), log })
    this.delivery = endpoint && new Delivery({ ...endpoint, spool: this.spool, clock, log, random })
    const outbox = (name: string, put: (name: string, text: string) => Promise<void>) =>
      new Outbox({
        path: join(folder, `${name}.json`),
        ask,
        events,
        put: (key, event) => put(key, JSON.stringify(event)),
      })
    this.outboxes = [
      ...(file === undefined ? [] : [outbox('open-lineage-file', fileSink(file))]),
      ...(endpoint === undefined ? [] : [outbox('open-lineage-url', (name, text) => this.spool.put(name, text))]),
    ]
  }

  /** Looks at what happened while nobody watched, and begins to deliver what is left of it. */
  begin(): void {
    this.look()
    this.delivery?.run().catch((error: unknown) => this.fail(error))
  }

  observe(event: RunEvent): void {
    if (event.kind === 'started' || event.kind === 'done' || event.kind === 'cancelled') this.look()
    if (event.kind !== 'failed') return
    const { run, code, message } = event
    const at = this.options.clock.now()
    this.look()
    this.then((outbox) => outbox.stopped(run, at, code, message))
  }

  /** What is known by now is written; what an endpoint does not take within seconds stays for the next process. */
  async close(): Promise<void> {
    this.look()
    await this.work
    await this.delivery?.stop()
  }

  /** Many may ask for one while another is under way. */
  private look(): void {
    if (this.looksDue > 0) return
    this.looksDue += 1
    this.then(
      (outbox) => outbox.look(),
      () => (this.looksDue -= 1),
    )
  }

  private then(work: (outbox: Outbox) => Promise<void>, begun: () => void = () => undefined): void {
    this.work = this.work.then(async () => {
      begun()
      for (const outbox of this.outboxes) await work(outbox).catch((error: unknown) => this.fail(error))
      this.delivery?.wake()
    })
  }

  /** What was not told is told at the next occasion: the ledger knows it. */
  private fail(error: unknown): void {
    const known = foreseen(error)
    const facts = known instanceof StokerError ? { code: known.code, ...known.facts } : { code: 'INTERNAL' }
    this.options.log.warn(facts, 'runs could not be reported as OpenLineage events; it is tried again')
  }
}

/** @returns appends a line; on disk when it resolves */
function fileSink(path: string): (name: string, text: string) => Promise<void> {
  let file: LineFile | undefined
  return async (_, text) => {
    file ??= new LineFile(path)
    file.add(text, true)
    return Promise.resolve()
  }
}
