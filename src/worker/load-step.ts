/** Every file of a run: download → staged → raw log. Several are fetched at once; one at a time lands. */
import { rm } from 'node:fs/promises'
import PQueue from 'p-queue'
import { isAbort, StokerError } from '../core/errors.ts'
import { exportsOf, type ExportRecord } from '../ledger/exports.ts'
import {
  filesOf,
  recordFileFailed,
  recordLanded,
  recordStaged,
  type FileRecord,
  type StagedFacts,
} from '../ledger/files.ts'
import { land } from '../landing/land.ts'
import { rejectsPath } from '../landing/rejects.ts'
import { BUNDLE_LINE_BYTES_MAX, splitBundles } from '../landing/split-bundles.ts'
import { stage } from '../landing/stage.ts'
import type { RunContext } from './context.ts'

/**
 * Brings every listed file of the run to `landed` or `failed`. Each file is durable on its own: what was staged or
 * landed before an interruption is not fetched again. A file that can never be had (404, 410) fails alone; an error
 * that may pass ends the step and leaves the run open.
 */
export async function loadFiles(context: RunContext): Promise<void> {
  const exports = new Map((await exportsOf(context.ledger, context.run)).map((record) => [record.export, record]))
  const stop = new AbortController()
  const signal = AbortSignal.any([context.signal, stop.signal])
  const fetching = new PQueue({ concurrency: context.downloads })
  const landing = new PQueue({ concurrency: 1 })
  const work: Promise<void>[] = []
  for (const file of await filesOf(context.ledger, context.run)) {
    if (file.state !== 'listed' && file.state !== 'staged') continue
    const record = exports.get(file.export)!
    work.push(
      fetching
        .add(async () => {
          signal.throwIfAborted()
          try {
            const facts = file.state === 'staged' ? factsOf(file) : await fetchFile(context, file, record, signal)
            await landing.add(() => landFile(context, file, record, facts, signal))
          } catch (error) {
            if (!isLost(error)) throw error
            await recordFileFailed(context.ledger, file.file, error.message)
            context.tell({ kind: 'note', text: `a ${nameOf(file)} file could not be had: ${error.message}` })
          }
        })
        .catch((error: unknown) => {
          stop.abort(error)
          throw error
        }),
    )
  }
  // All must have ended before the step does: none may write to the ledger behind its back.
  const ended = await Promise.allSettled(work)
  context.signal.throwIfAborted()
  const errors = ended.flatMap((each) => (each.status === 'rejected' ? [each.reason as Error] : []))
  const first = errors.find((error) => !isAbort(error)) ?? errors[0]
  if (first !== undefined) throw first
}

async function fetchFile(
  context: RunContext,
  file: FileRecord,
  record: ExportRecord,
  signal: AbortSignal,
): Promise<StagedFacts> {
  const type = nameOf(file)
  const entry = {
    kind: file.kind,
    type: file.type ?? undefined,
    url: file.url,
    count: file.claimed ?? undefined,
    ordinal: file.ordinal,
  }
  const report = (bytes: number, lines: number) =>
    context.tell({ kind: 'fetching', file: file.file, type, bytes, lines, claimed: file.claimed ?? undefined })
  const facts = await context.client.fetchFile(
    entry,
    { requiresAccessToken: record.requires_token ?? false },
    (body) => stage(body, context.lake.staged(context.run, file.file), { onProgress: report, signal }),
    signal,
  )
  await recordStaged(context.ledger, file.file, facts)
  return facts
}

/** This file is not to be had, however often one asks: it fails alone, and holds the watermarks it concerns. */
const LOST: ReadonlySet<string> = new Set(['BULK_FILE_LOST', 'LANDING_BUNDLE_UNREADABLE'])

function isLost(error: unknown): error is StokerError {
  return error instanceof StokerError && LOST.has(error.code)
}

async function landFile(
  context: RunContext,
  file: FileRecord,
  record: ExportRecord,
  facts: StagedFacts,
  signal: AbortSignal,
): Promise<void> {
  const { database, lake, source, run } = context
  const stagedPath = lake.staged(run, file.file)
  if (file.kind === 'deleted' && facts.longestLineBytes > BUNDLE_LINE_BYTES_MAX) {
    facts = await splitBundles(stagedPath, facts)
    await recordStaged(context.ledger, file.file, facts)
  }
  const relative = lake.raw(source.name, run, file.file)
  const rawPath = lake.path(relative)
  const raw = { source: source.name, run, file: file.file, kind: file.kind, types: record.types, stagedPath, rawPath }
  const landed = await database.using((session) => session.interruptible(signal, () => land(session, raw, facts)))
  await database.transaction((session) =>
    recordLanded(session, file, {
      ...landed,
      rawPath: relative,
      rejectsPath: landed.rejects > 0 ? rejectsPath(rawPath) : undefined,
    }),
  )
  await rm(stagedPath, { force: true })
  context.tell({ kind: 'landed', file: file.file, type: nameOf(file), bytes: facts.bytes, ...landed })
}

function nameOf(file: FileRecord): string {
  return file.kind === 'output' ? (file.type ?? 'mixed') : file.kind
}

function factsOf(file: FileRecord): StagedFacts {
  return {
    bytes: file.bytes ?? 0,
    lines: file.lines ?? 0,
    blanks: file.blanks ?? 0,
    longestLineBytes: file.longest_line_bytes ?? 0,
    bom: file.bom ?? false,
    sha256: file.sha256 ?? '',
  }
}
