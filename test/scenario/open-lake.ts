/** A lake opened in this process, with one source, on a clock on which nobody waits: whole runs without a process each. */
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { bulkAuth } from '../../src/app/bulk-auth.ts'
import { loadConfig } from '../../src/app/config.ts'
import type { SourceConfig } from '../../src/app/config-source.ts'
import { openWorker, type OpenWorker } from '../../src/app/worker-context.ts'
import { BulkClient } from '../../src/bulk/client.ts'
import { silentLog } from '../../src/core/log.ts'
import type { DemoServer } from '../../src/demo/server.ts'
import type { Row } from '../../src/store/session.ts'
import type { WorkerContext } from '../../src/worker/context.ts'
import type { RunEvent } from '../../src/worker/events.ts'
import { runSource, type RunOutcome } from '../../src/worker/run.ts'
import type { Source } from '../../src/worker/source.ts'
import { FastClock } from '../bulk/fast-clock.ts'
import { copyViews, readDuckDb } from './harness.ts'
import { makeLakeFolder } from './lake-folder.ts'

export class OpenLake {
  readonly folder: string
  readonly clock: FastClock
  /** Everything the runs told, oldest first. */
  readonly events: RunEvent[] = []
  /** Called with each event, as it is told. */
  onEvent: (event: RunEvent) => void = () => undefined
  /** Of the source's server, which may change from one run to the next. */
  baseUrl: string
  private opened: { text: string; worker: OpenWorker; source: SourceConfig } | undefined

  private constructor(folder: string, baseUrl: string, clock: FastClock) {
    this.folder = folder
    this.baseUrl = baseUrl
    this.clock = clock
  }

  /**
   * Ends with the test. The clock is the server's as well, where it goes by one. Of the shipped views only one, unless
   * more are named: others would only take time.
   */
  static async make(baseUrl: string, clock = new FastClock(), views = ['patient']): Promise<OpenLake> {
    const folder = await makeLakeFolder('stoker-open-lake-')
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    await copyViews(views, join(folder, 'views'))
    const lake = new OpenLake(folder, baseUrl, clock)
    onTestFinished(() => lake.close())
    return lake
  }

  get catalog(): string {
    return join(this.folder, 'lake', 'catalog.duckdb')
  }

  async write(name: string, text: string): Promise<void> {
    await writeFile(join(this.folder, name), text, { mode: 0o600 })
  }

  /** One run of the source that `yaml` describes beside its name and base. Throws what ends the run. */
  async sync(yaml: string, full = false): Promise<RunOutcome> {
    const { context, source } = await this.open(yaml)
    return runSource(context, source, full)
  }

  /** Of the worker's own database. */
  async rows<T extends object = Row>(sql: string): Promise<T[]> {
    return this.opened!.worker.context.database.using((session) => session.rows<T>(sql))
  }

  /** Of a catalog, the newest by default, as a reader has it. */
  read(sql: string, catalog = this.catalog): Promise<Record<string, unknown>[]> {
    return readDuckDb(catalog, sql)
  }

  /** Codes of what the runs found that was not asked or announced. */
  get findings(): string[] {
    return this.events.flatMap((event) => (event.kind === 'finding' ? [event.code] : []))
  }

  private async open(yaml: string): Promise<{ context: WorkerContext; source: Source }> {
    const { clock, baseUrl } = this
    const source = `  - name: field\n    baseUrl: ${baseUrl}\n${yaml.trim().replace(/^/gm, '    ')}\n`
    if (this.opened?.text !== source) {
      await this.close()
      const head = 'lake: lake\nmemoryLimit: 256MiB\nthreads: 1\nviews: {shipped: false, folders: [views]}\nsources:\n'
      await this.write('stoker.yaml', head + source)
      const loaded = await loadConfig(join(this.folder, 'stoker.yaml'))
      const observe = (event: RunEvent) => {
        this.events.push(event)
        this.onEvent(event)
      }
      const worker = await openWorker(loaded, { log: silentLog, observe, signal: new AbortController().signal })
      this.opened = { text: source, worker, source: loaded.sources[0]! }
    }
    const { worker, source: config } = this.opened
    const { auth, ...options } = config
    const connect: Source['connect'] = (onWait) =>
      new BulkClient({
        ...options,
        auth: bulkAuth(auth),
        trace: undefined,
        log: silentLog,
        clock,
        onWait,
        userAgent: 'stoker-test',
      })
    return { context: { ...worker.context, clock }, source: { ...worker.sources[0]!, connect } }
  }

  private async close(): Promise<void> {
    await this.opened?.worker.close()
    this.opened = undefined
  }
}

/** `Type/id` of what the lake holds, sorted. */
export async function alive(lake: OpenLake): Promise<string[]> {
  const rows = await lake.rows<{ key: string }>(
    `SELECT type || '/' || id AS key FROM stoker.resource WHERE deleted_by IS NULL ORDER BY 1`,
  )
  return rows.map(({ key }) => key)
}

/** The same of the server's patients and conditions. */
export function served({ store }: DemoServer): string[] {
  return [...store.versions(['Patient', 'Condition'])].map(({ type, id }) => `${type}/${id}`).sort()
}

/** Types whose watermark a run held. */
export function heldTypes({ books }: Pick<RunOutcome, 'books'>): string[] {
  return books.types.filter(({ held }) => held !== null).map(({ type }) => type)
}
