/** Which process something belongs to, written down so that any other can tell whether that process still lives. */
import { createHash } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

export interface ProcessMark {
  readonly pid: number
  readonly host: string
  /** Within which the PID counts: two containers may go by the name of their host. Empty where the system has none. */
  readonly pidNamespace: string
  /** When the process began, as the system counts: a PID is given again. Null where the system does not tell. */
  readonly began: string | null
}

/** Of a process elsewhere nobody can tell. */
type Fate = 'lives' | 'gone' | 'elsewhere'

export function ownMark(): ProcessMark {
  return { pid: process.pid, ...here(), began: statOf(process.pid)?.began ?? null }
}

/** On another host, or in another container, the same PID is another process. */
export function fateOf(mark: ProcessMark): Fate {
  if (!isNear(mark)) return 'elsewhere'
  return fateHere(mark)
}

/** Whether what was read is a whole mark. */
export function isMark(read: Partial<ProcessMark>): read is ProcessMark {
  const { pid, host, pidNamespace, began } = read
  const isTold = typeof host === 'string' && typeof pidNamespace === 'string'
  return Number.isSafeInteger(pid) && pid! > 0 && isTold && (began === null || typeof began === 'string')
}

/** Whether its PID means the same process here. */
export function isNear({ host, pidNamespace }: Pick<ProcessMark, 'host' | 'pidNamespace'>): boolean {
  const own = here()
  return host === own.host && pidNamespace === own.pidNamespace
}

/** The mark as the beginning of a file's name, without a `-` at its end: `PID-BEGAN-PLACE`. */
export function markText(mark: ProcessMark): string {
  return `${mark.pid}-${mark.began ?? ''}-${placeText(mark)}`
}

/** The fate of the process whose {@link markText} a name begins with; undefined where it begins with none. */
export function fateOfText(name: string): Fate | undefined {
  const [, pid, began, place] = /^(\d+)-(\d*)-([0-9a-f]{12})(?:-|$)/.exec(name) ?? []
  if (place === undefined) return undefined
  if (place !== placeText(here())) return 'elsewhere'
  return fateHere({ pid: Number(pid), began: began === '' ? null : began! })
}

function fateHere({ pid, began }: Pick<ProcessMark, 'pid' | 'began'>): Fate {
  if (!isAlive(pid)) return 'gone'
  const found = statOf(pid)
  // Killed, and not yet asked after by its parent, which may never do so: it holds no lock and no port.
  if (found?.isZombie) return 'gone'
  return found === null || began === null || found.began === began ? 'lives' : 'gone'
}

function here(): Pick<ProcessMark, 'host' | 'pidNamespace'> {
  let pidNamespace = ''
  try {
    pidNamespace = readlinkSync('/proc/self/ns/pid')
  } catch {
    // Only Linux has them.
  }
  return { host: hostname(), pidNamespace }
}

function placeText({ host, pidNamespace }: Pick<ProcessMark, 'host' | 'pidNamespace'>): string {
  return createHash('sha256').update(`${host} ${pidNamespace}`).digest('hex').slice(0, 12)
}

interface ProcessStat {
  readonly began: string | null
  readonly isZombie: boolean
}

/**
 * Fields 3 and 22 of /proc/PID/stat, counted behind the name in parentheses, which may hold anything. Null where there is
 * no /proc, or one of another PID namespace, in which the numbers are others.
 */
function statOf(pid: number): ProcessStat | null {
  try {
    if (readlinkSync('/proc/self') !== String(process.pid)) return null
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return { began: fields[19] ?? null, isZombie: fields[0] === 'Z' || fields[0] === 'X' }
  } catch {
    return null
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
