/** The real thing in front of the model's server: runs in this process, or in one that ends itself. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bulkAuth } from '../../src/app/bulk-auth.ts'
import { loadConfig } from '../../src/app/config.ts'
import { openWorker, type OpenWorker } from '../../src/app/worker-context.ts'
import { BulkClient } from '../../src/bulk/client.ts'
import { silentLog } from '../../src/core/log.ts'
import type { Session } from '../../src/store/session.ts'
import { compactSource } from '../../src/warehouse/upkeep/compact.ts'
import { runSource } from '../../src/worker/run.ts'
import type { FastClock } from '../bulk/fast-clock.ts'
import type { Habits } from './habits.ts'
import type { Kill } from './history.ts'
import { TYPES } from './served-state.ts'

export const SOURCE = 'model'

/** What a sync came to. */
export interface Outcome {
  readonly run: number
  readonly mode: string
  readonly resumed: boolean
  readonly held: readonly string[]
  readonly changed: number
}

export class ModelLake {
  readonly folder: string
  private readonly clock: FastClock
  private opened: { readonly worker: OpenWorker; readonly sync: (full: boolean) => Promise<Outcome> } | undefined

  private constructor(folder: string, clock: FastClock) {
    this.folder = folder
    this.clock = clock
  }

  static async make(folder: string, baseUrl: string, habits: Habits, clock: FastClock): Promise<ModelLake> {
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'stoker.yaml'), configuration(baseUrl, habits), { mode: 0o600 })
    return new ModelLake(folder, clock)
  }

  get lake(): string {
    return join(this.folder, 'lake')
  }

  async sync(full: boolean): Promise<Outcome> {
    return (await this.open()).sync(full)
  }

  /** The child's outcome; a signal's name where it was killed; undefined where the run ended with an error. */
  async syncInChild(full: boolean, kill: Kill): Promise<Outcome | 'killed' | Error> {
    await this.close()
    const child = nextChild()
    let answer: Outcome | Error = new Error('the child ended without a word')
    child.on('message', (message) => {
      const { outcome, error } = message as { outcome?: Outcome; error?: { code: string; message: string } }
      answer = outcome ?? Object.assign(new Error(error!.message), { code: error!.code })
    })
    child.send({ folder: this.folder, nowMs: this.clock.now().getTime(), full, kill })
    const [, signal] = (await once(child, 'exit')) as [number | null, string | null]
    return signal === 'SIGKILL' ? 'killed' : answer
  }

  /** All that can be joined or dropped of the raw log. */
  async compact(): Promise<void> {
    const { worker } = await this.open()
    const { database, lake, keeping, disk } = worker.context
    const now = this.clock.now()
    await compactSource({ database, lake, keeping, disk, now, source: SOURCE, how: 'thorough' })
  }

  /** Looks into the worker's own database. */
  async using<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return (await this.open()).worker.context.database.using(work)
  }

  async close(): Promise<void> {
    await this.opened?.worker.close()
    this.opened = undefined
  }

  private async open() {
    if (this.opened !== undefined) return this.opened
    const { clock } = this
    const config = await loadConfig(join(this.folder, 'stoker.yaml'))
    const { auth, ...options } = config.sources[0]!
    const open = { log: silentLog, observe: () => undefined, signal: new AbortController().signal }
    const worker = await openWorker(config, open)
    const source = {
      ...worker.sources[0]!,
      connect: () =>
        new BulkClient({
          ...options,
          auth: bulkAuth(auth),
          log: silentLog,
          clock,
          trace: undefined,
          random: () => 0.5,
          userAgent: 'model',
        }),
    }
    const sync = async (full: boolean): Promise<Outcome> => {
      const { run, mode, resumed, books } = await runSource({ ...worker.context, clock }, source, full)
      const held = books.types.flatMap((type) => (type.held === null ? [] : [type.type]))
      const changed = books.types.reduce((sum, type) => sum + type.inserted + type.updated + type.deleted, 0)
      return { run, mode, resumed, held, changed }
    }
    this.opened = { worker, sync }
    return this.opened
  }
}

function configuration(baseUrl: string, { group, overlapSeconds, downloads }: Habits): string {
  const views = new URL('views', import.meta.url).pathname
  const { newcomers = 'group', leavers = 'remove' } = group ?? {}
  return `lake: lake
memoryLimit: 256MiB
threads: 1
downloads: ${downloads}
views: { shipped: false, folders: [${JSON.stringify(views)}] }
sources:
  - name: ${SOURCE}
    baseUrl: ${baseUrl}
    auth: { kind: none }
    ${group === undefined ? 'level: system' : `level: group\n    group: some\n    groupChanges: { newcomers: ${newcomers}, leavers: ${leavers} }`}
    types: [${TYPES.join(', ')}]
    since: { mode: incremental, overlapSeconds: ${overlapSeconds} }
`
}

/** The next child is started while the last one works: most of its time goes into loading its modules. */
let spare: ChildProcess | undefined

function nextChild(): ChildProcess {
  const child = spare ?? startChild()
  spare = startChild()
  return child
}

function startChild(): ChildProcess {
  return fork(new URL('child.js', import.meta.url), { stdio: 'ignore', execArgv: [] })
}

/** When all histories are played. */
export function endSpareChild(): void {
  spare?.kill('SIGKILL')
  spare = undefined
}
