/** Who holds a lake: DuckDB's lock is the truth, `worker.json` beside it says what the lock cannot. */
import { readFileSync, rmSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeWhole } from '../core/durable.ts'
import { StokerError } from '../core/errors.ts'
import { fateOf, isMark, isNear, ownMark, type ProcessMark } from './process-mark.ts'

/** What a worker says of itself to a second one. */
export interface Worker {
  /** As it was started, without anything secret: `stoker sync --config /etc/stoker.yaml`. */
  readonly command: string
  readonly version: string
  readonly startedAt: Date
}

interface Holder extends Omit<Worker, 'startedAt'>, ProcessMark {
  readonly startedAt: string
}

/** The file of a worker that holds the lock; to be made after the lock was taken, and removed before it is given back. */
export class WorkerFile {
  private readonly path: string
  private readonly holder: Holder

  private constructor(path: string, holder: Holder) {
    this.path = path
    this.holder = holder
  }

  /** Without it the lock holds just as well: a disk too full for these few bytes must not keep anybody from making room. */
  static async write(folder: string, worker: Worker): Promise<WorkerFile> {
    const path = pathIn(folder)
    const holder = { ...ownMark(), ...worker, startedAt: worker.startedAt.toISOString() }
    await rm(path, { force: true })
    await writeWhole(path, `${JSON.stringify(holder, null, 2)}\n`).catch(() => rm(`${path}.part`, { force: true }))
    return new WorkerFile(path, holder)
  }

  remove(): void {
    const found = readHolder(this.path)
    if (found?.pid !== this.holder.pid || found.startedAt !== this.holder.startedAt) return
    rmSync(this.path, { force: true })
  }
}

/** Whether the lock is another's, by DuckDB's message. */
export function isLocked(message: string): boolean {
  return /Could not set lock on file|being used by another process/.test(message)
}

/** A worker told of itself, and lives as far as can be seen from here: it will not be gone in a moment. */
export function isHeldByWorker(folder: string): boolean {
  const holder = readHolder(pathIn(folder))
  return holder !== undefined && !isOver(holder)
}

/** @param message of DuckDB, which names a PID where the holder can be seen from here, and PID 0 where it can not */
export function lockedError(path: string, folder: string, message: string, cause: unknown): StokerError {
  const named = readHolder(pathIn(folder))
  const holder = named !== undefined && isOver(named) ? undefined : named
  const pid = Number(/PID (\d+)/.exec(message)?.[1] ?? 0) || undefined
  const program = /lock is held in (\S+) \(PID/.exec(message)?.[1]
  const seen = pid === undefined ? undefined : `PID ${pid} on this host${program === undefined ? '' : ` (${program})`}`
  const { text, wayOut } = holder === undefined ? unnamed(pid, seen, named) : byName(holder, pid, seen)
  return new StokerError('STORE_LOCKED', text, {
    retryable: true,
    hint: `${wayOut}; stoker query, stoker status and readers of catalog.duckdb are never locked out`,
    facts: {
      path,
      lockPid: pid,
      lockProgram: program,
      workerPid: holder?.pid,
      workerHost: holder?.host,
      workerCommand: holder?.command,
      workerSince: holder?.startedAt,
      workerVersion: holder?.version,
    },
    cause,
  })
}

interface Told {
  readonly text: string
  readonly wayOut: string
}

function byName(holder: Holder, pid: number | undefined, seen: string | undefined): Told {
  const text = `${holder.command} is writing to this lake: PID ${holder.pid} on host ${holder.host}, since ${holder.startedAt}, Stoker ${holder.version}`
  // A worker runs until somebody ends it.
  const ways = holder.command.startsWith('stoker worker') ? 'stop it' : 'wait until it ends, or stop it'
  const stop = (id: number, where: string) =>
    `${ways}${where} (kill -TERM ${id}: it ends within seconds, nothing is lost, and the next start goes on)`
  if (isNear(holder) && (pid === undefined || pid === holder.pid)) return { text, wayOut: stop(holder.pid, '') }
  // In a container a process has a number of its own; the lock names the one it has outside, or none where it is out of sight.
  if (seen !== undefined) return { text: `${text}; the lock is held by ${seen}`, wayOut: stop(pid!, ' here') }
  return {
    text: `${text}; the lock is held by a process that cannot be seen from here (in another container, or on another machine)`,
    wayOut: stop(holder.pid, ` where it runs, on ${holder.host}`),
  }
}

function unnamed(pid: number | undefined, seen: string | undefined, over: Holder | undefined): Told {
  const who = seen ?? 'a process that cannot be seen from here (in another container, or on another machine)'
  const before = over === undefined ? '' : `; the last worker, PID ${over.pid}, was killed`
  return {
    text: `another program has the database of this lake open: ${who}${before}`,
    wayOut: `it told nothing of itself, as a worker does: a duckdb shell, perhaps, with warehouse.duckdb open; end it${pid === undefined ? '' : ` (kill -TERM ${pid})`}, or wait until it ends`,
  }
}

/** Left over by a process of this host that is no more. Of another host, or another container's, nobody can tell. */
function isOver(holder: Holder): boolean {
  // A restarted container gives the same numbers again: it is not this process that holds the lock.
  return isNear(holder) && (holder.pid === process.pid || fateOf(holder) === 'gone')
}

function pathIn(folder: string): string {
  return join(folder, 'worker.json')
}

function readHolder(path: string): Holder | undefined {
  try {
    const holder = JSON.parse(readFileSync(path, 'utf8')) as Partial<Holder>
    const { command, version, startedAt } = holder
    const isWhole = [command, version, startedAt].every((each) => typeof each === 'string') && isMark(holder)
    return isWhole ? (holder as Holder) : undefined
  } catch {
    return undefined
  }
}
