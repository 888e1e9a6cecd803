/** Where queries of others are answered: a few at a time, each in a process of its own that can be put an end to. */
import { fork, type ChildProcess } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { StokerError } from '../../core/errors.ts'
import { stoppingError } from '../../core/stopping-error.ts'
import { makeQuerySpill } from '../../store/spill.ts'
import type { Lake } from '../../warehouse/lake.ts'
import { ANSWER_FILE, BEGUN, errorOf, type QueryJob, type QueryOutcome } from './query-job.ts'
import { CONTENT_TYPES, type AnswerLimits, type QueryRequest, type QueryStats } from './query-request.ts'

export interface QueryLimits extends AnswerLimits {
  /** Of the answering, not of the wait for its turn. */
  readonly seconds: number
  /** Of one query. */
  readonly memoryBytes: number
  /** What one query may have on disk at once, besides its answer. */
  readonly spillBytes: number
  readonly threads?: number | undefined
  readonly atOnce: number
  /** Queries that wait, and answers not yet fetched; whoever comes then is sent away. */
  readonly waiting: number
}

export const QUERY_LIMITS_DEFAULT: QueryLimits = {
  seconds: 60,
  rows: 1_000_000,
  bytes: 2 ** 30,
  memoryBytes: 512 * 2 ** 20,
  spillBytes: 4 * 2 ** 30,
  atOnce: 2,
  waiting: 16,
}

/** A whole answer: what could go wrong has not. It lies on our disk, in a private file, until it is read or discarded. */
export interface QueryAnswer {
  readonly contentType: string
  readonly stats: QueryStats
  /** To be read once. The file goes when it is closed, however far it was read. */
  read(): Readable
  /** For an answer that nobody will read. */
  discard(): Promise<void>
}

/** For the start of the process and the opening of the snapshot. */
const START_SECONDS = 60

/** After this the process is not asked any more. */
const GRACE_MS = 500

export class QueryDesk {
  private readonly lake: Lake
  private readonly limits: QueryLimits
  private readonly entry: string
  private readonly children = new Set<ChildProcess>()
  private readonly queue: (() => void)[] = []
  private running = 0
  private unread = 0
  private isClosed = false

  /** @param entry the file of the answering process */
  constructor(lake: Lake, limits: QueryLimits, entry: string) {
    this.lake = lake
    this.limits = limits
    this.entry = entry
  }

  /** Queries that are being answered, and those that wait. */
  get load(): { readonly running: number; readonly waiting: number } {
    return { running: this.running, waiting: this.queue.length }
  }

  /**
   * Answers a query as a whole before anything of the answer is given away: no status was sent that turns out wrong, no
   * half answer that looks like a whole one, and a slow reader holds no snapshot.
   * @param signal ends it, with its reason
   * @throws StokerError QUERY_BUSY, WORKER_STOPPING (worth retrying), QUERY_TIMEOUT, QUERY_ROWS, QUERY_BYTES, QUERY_MEMORY, QUERY_SPILL,
   * QUERY_CRASHED, and those of {@link SnapshotReader.query}
   */
  async answer(request: QueryRequest, signal?: AbortSignal): Promise<QueryAnswer> {
    await this.turn(signal)
    try {
      return await this.answerNow(request, signal)
    } finally {
      // Its place is handed over, so that nobody takes it in between.
      const next = this.queue.shift()
      if (next === undefined) this.running -= 1
      else next()
    }
  }

  /** Ends what runs and refuses what comes. */
  close(): void {
    this.isClosed = true
    for (const child of this.children) stop(child)
  }

  private async turn(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted()
    if (this.queue.length + this.unread >= this.limits.waiting) throw busy()
    if (this.running < this.limits.atOnce) {
      this.running += 1
      return
    }
    await new Promise<void>((go, fail) => {
      const leave = () => {
        this.queue.splice(this.queue.indexOf(enter), 1)
        fail(signal!.reason as Error)
      }
      const enter = () => {
        signal?.removeEventListener('abort', leave)
        go()
      }
      this.queue.push(enter)
      signal?.addEventListener('abort', leave, { once: true })
    })
  }

  private async answerNow(request: QueryRequest, signal: AbortSignal | undefined): Promise<QueryAnswer> {
    if (this.isClosed) throw stoppingError()
    const began = performance.now()
    const folder = await makeQuerySpill(this.lake.root)
    if (folder === undefined) {
      throw new StokerError('QUERY_OUTPUT', `${this.lake.root} can not be written to`, {
        hint: 'an answer is laid down in the lake before it is sent',
      })
    }
    const discard = () => rm(folder, { recursive: true, force: true })
    try {
      const outcome = await this.outcome(this.job(request, folder), signal)
      if ('error' in outcome) throw errorOf(outcome.error)
      const { size, snapshot } = outcome
      const milliseconds = Math.round(performance.now() - began)
      return this.unreadAnswer(request, { ...size, milliseconds, snapshot }, join(folder, ANSWER_FILE), discard)
    } catch (error) {
      await discard()
      throw error
    }
  }

  private job(request: QueryRequest, folder: string): QueryJob {
    const { rows, bytes, memoryBytes, spillBytes, threads } = this.limits
    return { lake: this.lake.root, request, limits: { rows, bytes }, memoryBytes, spillBytes, threads, folder }
  }

  private unreadAnswer(
    request: QueryRequest,
    stats: QueryStats,
    path: string,
    discard: () => Promise<void>,
  ): QueryAnswer {
    this.unread += 1
    let isHeld = true
    const done = async () => {
      if (isHeld) this.unread -= 1
      isHeld = false
      await discard()
    }
    return {
      contentType: CONTENT_TYPES[request.format],
      stats,
      read: () => createReadStream(path).once('close', () => void done().catch(() => undefined)),
      discard: done,
    }
  }

  /** Of a process that knows nothing of this one's: no environment, no token, no open file. */
  private outcome(job: QueryJob, signal: AbortSignal | undefined): Promise<QueryOutcome> {
    signal?.throwIfAborted()
    const heap = Math.max(256, Math.round(job.memoryBytes / 2 ** 21))
    const child = fork(this.entry, [], {
      cwd: this.lake.root,
      env: {},
      execArgv: [`--max-old-space-size=${heap}`],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    this.children.add(child)
    return new Promise<QueryOutcome>((resolve, reject) => {
      let outcome: QueryOutcome | undefined
      let why: unknown
      const end = (reason: unknown) => {
        why ??= reason
        stop(child)
      }
      const abort = () => end(signal!.reason)
      const { seconds } = this.limits
      const stopAfter = (ms: number) => setTimeout(() => end(timeout(seconds)), ms)
      let timer = stopAfter(START_SECONDS * 1000)
      signal?.addEventListener('abort', abort, { once: true })
      child.on('message', (message) => {
        if (message !== BEGUN) outcome = message as QueryOutcome
        else {
          clearTimeout(timer)
          timer = stopAfter(seconds * 1000)
        }
      })
      const settle = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', abort)
        this.children.delete(child)
        if (why === undefined && outcome !== undefined) resolve(outcome)
        else reject(why ?? crashed())
      }
      child.once('error', (error) => {
        why ??= error
        if (child.pid === undefined) settle()
      })
      // What it told may come after its end is known, but not after the channel's.
      child.once('exit', () => (child.connected ? child.once('disconnect', settle) : settle()))
      child.send(job, (error) => {
        if (error !== null) end(crashed())
      })
    })
  }
}

function stop(child: ChildProcess): void {
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS)
  child.once('exit', () => clearTimeout(timer))
}

function busy(): StokerError {
  return new StokerError('QUERY_BUSY', 'too many queries are waiting', {
    retryable: true,
    hint: 'ask again in a few seconds',
  })
}

function timeout(seconds: number): StokerError {
  return new StokerError('QUERY_TIMEOUT', `the query took longer than ${seconds} s and was stopped`, {
    hint: 'ask for fewer rows, join by keys, or raise query.seconds in the configuration',
    facts: { seconds },
  })
}

function crashed(): StokerError {
  return new StokerError('QUERY_CRASHED', 'the query brought its process down', {
    hint: 'it has asked too much of DuckDB; nothing else is harmed. Ask for smaller values or fewer of them',
  })
}
