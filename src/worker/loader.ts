/** The files of a run, on their way into the raw log: several are fetched at once, one at a time lands. */
import PQueue from 'p-queue'
import { isAbort, StokerError } from '../core/errors.ts'
import { foreseen } from '../core/system-error.ts'
import type { ExportRecord } from '../ledger/exports.ts'
import { recordFileFailed, recordTry, type FileRecord, type StagedFacts } from '../ledger/files.ts'
import type { RunContext } from './context.ts'
import { factsOf, fetchFile, nameOf, stagedFacts } from './fetch-file.ts'
import { landFile } from './land-file.ts'
import type { Addresses } from './addresses.ts'

/** In so many runs a file may fail with an error that may pass; then it is held to be lost, and holds back no other. */
const TRIES_MAX = 3
/** So many files failing so, one after the other: it is the server, not the files. A 500 may well be each one's own. */
const failuresMax = (error: StokerError) => (error.facts.status === 500 ? 20 : 3)

/**
 * Brings files to `landed` or `failed`. Each is durable on its own: what was staged or landed before an interruption is
 * not fetched again. A file that can never be had fails alone; one that may be had later leaves the run open, when all
 * others have landed.
 */
export class Loader {
  private readonly context: RunContext
  private readonly addresses: Addresses
  private readonly stop = new AbortController()
  /** Aborts with the error that stops the run, or with the process. */
  readonly signal: AbortSignal
  /** A file comes up again with every page of its manifest. */
  private readonly seen = new Set<number>()
  private readonly fetching: PQueue
  private readonly landing = new PQueue({ concurrency: 1 })
  private failuresInARow = 0

  constructor(context: RunContext, addresses: Addresses) {
    this.context = context
    this.addresses = addresses
    this.signal = AbortSignal.any([context.signal, this.stop.signal])
    this.fetching = new PQueue({ concurrency: context.downloads })
  }

  /** Resolves when all of them have landed or failed; rejects, when all have ended, if some may be had later. */
  async load(record: ExportRecord, files: readonly FileRecord[]): Promise<void> {
    const come = files.filter(({ file, state }) => state !== 'skipped' && !this.seen.has(file))
    for (const { file } of come) this.seen.add(file)
    const due = come.filter(({ state }) => ['listed', 'staged'].includes(state))
    if (come.length > 0) this.context.tell({ kind: 'gathering', files: due.length, before: come.length - due.length })
    const loadAll = () => Promise.allSettled(due.map((file) => this.fetching.add(() => this.work(record, file))))
    const ended = due.length === 0 ? [] : await this.context.phases.during('gather', loadAll)
    // All must have ended before the step does: none may write to the ledger behind its back.
    this.context.signal.throwIfAborted()
    const errors = ended.flatMap((each) => (each.status === 'rejected' ? [each.reason as Error] : []))
    const first = errors.find((error) => !isAbort(error)) ?? errors[0]
    if (first !== undefined) throw first
  }

  /** No further file is begun. */
  abort(reason: unknown): void {
    this.stop.abort(reason)
  }

  private fetch(record: ExportRecord, file: FileRecord): Promise<StagedFacts> {
    return this.withRoom(async () => {
      await this.context.disk.require(`the download of ${nameOf(file)}`)
      return fetchFile(this.context, this.addresses, record, file, this.signal)
    })
  }

  /** Does again what found no room on the disk, as long as files are landing: their staged text goes, a part of it stays. */
  async withRoom<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work()
      } catch (error) {
        const isLow = error instanceof StokerError && error.code === 'DISK_LOW'
        if (!isLow || this.landing.size + this.landing.pending === 0) throw error
        await this.landing.onIdle()
        this.signal.throwIfAborted()
      }
    }
  }

  private work(record: ExportRecord, file: FileRecord): Promise<void> {
    const { context, signal } = this
    return context.place.during(
      signal,
      () => this.loadOne(record, file),
      () => context.tell({ kind: 'queued' }),
    )
  }

  private async loadOne(record: ExportRecord, file: FileRecord): Promise<void> {
    const { context, signal } = this
    try {
      signal.throwIfAborted()
      const facts = file.state === 'staged' ? stagedFacts(file) : await this.fetch(record, file)
      this.failuresInARow = 0
      await this.landing.add(() => landFile(context, file, record, facts, signal))
    } catch (error) {
      if (!signal.aborted) tellInterrupted(context, file, error)
      if (!(await this.isLost(file, error))) throw error
      const { record: why } = error as StokerError
      await recordFileFailed(context.ledger, file.file, why)
      context.tell({ kind: 'lost', file: file.file, type: nameOf(file), text: why })
    }
  }

  /** Whether the file fails alone, for good. An error that is not the file's stops the others. */
  private async isLost(file: FileRecord, error: unknown): Promise<boolean> {
    if (error instanceof StokerError && LOST.has(error.code)) return true
    if (error instanceof StokerError && mayPass(error) && !this.signal.aborted) {
      this.failuresInARow += 1
      const tries = await recordTry(this.context.ledger, file.file)
      if (this.failuresInARow < failuresMax(error)) return tries >= TRIES_MAX
    }
    this.abort(error)
    return false
  }
}

function tellInterrupted(context: RunContext, file: FileRecord, error: unknown): void {
  const known = foreseen(error)
  if (isAbort(error) || !(known instanceof StokerError)) return
  const { code, record: text, facts } = known
  const status = typeof facts.status === 'number' ? facts.status : undefined
  context.tell({ kind: 'interrupted', file: file.file, export: file.export, of: factsOf(file), code, status, text })
}

/** This file is not to be had, however often one asks: it fails alone, and holds the watermarks it concerns. */
const LOST: ReadonlySet<string> = new Set([
  'BULK_FILE_LOST',
  'BULK_FILE_EXPIRED',
  // Its address leads in circles, nowhere, or over a connection that anybody can read.
  'BULK_REFUSED',
  'BULK_INSECURE',
  'LANDING_BUNDLE_UNREADABLE',
])

/** The server could not give it now. Storage may answer 401 to an address that is no longer good. */
function mayPass({ code, facts }: StokerError): boolean {
  return ['BULK_BUSY', 'BULK_UNREACHABLE'].includes(code) || (code === 'BULK_UNAUTHORIZED' && facts.step === 'file')
}
