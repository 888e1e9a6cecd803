/** One accepted export: its files are fixed when they are read, as lists of bodies, and no later change reaches them. */
import type { Alteration } from '../kick-off/elements.ts'
import type { ExportOrder } from '../kick-off/export-order.ts'
import type { Content } from '../version.ts'

export interface JobFile {
  /** Last segment of the file's URL. */
  readonly name: string
  readonly kind: 'output' | 'deleted' | 'error'
  /** Undefined for a file of mixed types. */
  readonly type: string | undefined
  /** Resources in the file, as the manifest tells; blank, malformed and header lines are not counted. */
  readonly count: number
  /** Undefined for a file that is listed and not there. */
  readonly lines: readonly Content[] | undefined
  /** What each line's resource undergoes before it leaves. */
  readonly alter?: Alteration | undefined
  /** Name of the file in which the last block goes on. */
  readonly continuesIn?: string | undefined
  /** Of an error file, its lines by severity. */
  readonly severities?: Readonly<Record<string, number>>
  /** How often a request for it was refused or broken off on purpose. */
  readonly troubles: { failures: number; cuts: number }
}

export interface ExportJob {
  readonly id: string
  readonly order: ExportOrder
  /** When the server forgets it. */
  expiresAt: Date
  transactionTime: string
  files: readonly JobFile[]
  /** Types still to be read, together in one poll; empty for a job that was read at kick-off. */
  unread: readonly ReadonlySet<string>[]
  /** Polls answered 202 so far. */
  pollsAnswered: number
  /** Polls answered with a transient error so far. */
  transientAnswers: number
  /** When its file URLs were signed first; undefined as long as they were not. */
  signedMs: number | undefined
  /** Its manifest has been given out. */
  isDone: boolean
}

/** A file of which nobody has asked yet. */
export function jobFile(parts: Omit<JobFile, 'troubles'>): JobFile {
  return { ...parts, troubles: { failures: 0, cuts: 0 } }
}
