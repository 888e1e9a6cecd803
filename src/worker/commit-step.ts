/** The commit: index, view tables, tombstones, books and watermarks in ONE transaction. */
import { rm } from 'node:fs/promises'
import { StokerError } from '../core/errors.ts'
import { writeBooks, type Books } from '../ledger/books.ts'
import { exportsOf, type ExportRecord } from '../ledger/exports.ts'
import { filesOf, type FileRecord } from '../ledger/files.ts'
import { recordMessages } from '../ledger/messages.ts'
import { moveRun } from '../ledger/runs.ts'
import { moveWatermarks } from '../ledger/watermarks.ts'
import type { Lake } from '../warehouse/lake.ts'
import { merge } from '../warehouse/merge.ts'
import type { RunContext } from './context.ts'
import { closeBooks } from './closing.ts'
import { holdings, safeWatermark } from './holdings.ts'

/** @throws StokerError RUN_NOTHING_LOADED when not one file of output could be had though the server listed some. */
export async function commitRun(context: RunContext): Promise<Books> {
  const { database, run, source, views, clock, signal, lake } = context
  const exports = await exportsOf(context.ledger, run)
  const files = await filesOf(context.ledger, run)
  refuseEmptyHanded(files)
  let done = 0
  const books = await database.transaction(async (session) => {
    const messages = files.filter((file) => file.kind === 'error' && file.state === 'landed')
    const severities = await recordMessages(
      session,
      run,
      messages.map((file) => lake.path(file.raw_path!)),
    )
    const held = holdings(exports, files, severities)
    const merged = await merge(session, {
      run,
      source: source.name,
      types: exports.flatMap((each) => each.types),
      files: files.flatMap((file) => landedFile(file, exports, lake)),
      whole: exports
        .filter((each) => each.whole)
        .map((each) => ({
          types: each.types.filter((type) => !held.has(type) && !hasRejects(files, each, type)),
          exportedAt: each.transaction_time!,
        })),
      views,
      onView: (table) => context.tell({ kind: 'merging', table, done: done++, of: views.length }),
    })
    for (const each of exports) {
      const types = each.types.filter((type) => !held.has(type))
      await moveWatermarks(session, run, source.name, types, safeWatermark(each))
    }
    const closed = closeBooks(merged, files, exports, held)
    await writeBooks(session, run, closed)
    await moveRun(session, run, 'committed', clock.now())
    if (merged.deletionsNotUnderstood > 0) {
      context.tell({
        kind: 'note',
        text: `${merged.deletionsNotUnderstood} reported deletions name no resource by type and id: nothing was deleted for them`,
      })
    }
    return closed
  }, signal)
  await rm(lake.staging(run), { recursive: true, force: true })
  const total = (key: 'inserted' | 'updated' | 'deleted') => books.types.reduce((sum, type) => sum + type[key], 0)
  context.tell({ kind: 'committed', inserted: total('inserted'), updated: total('updated'), deleted: total('deleted') })
  return books
}

function refuseEmptyHanded(files: readonly FileRecord[]): void {
  const outputs = files.filter((file) => file.kind === 'output' && file.state !== 'skipped')
  if (outputs.length === 0 || outputs.some((file) => file.state !== 'failed')) return
  throw new StokerError(
    'RUN_NOTHING_LOADED',
    `none of the ${outputs.length} files the server listed could be had: ${outputs[0]!.note ?? ''}`,
    { hint: 'check that the source may read its export files (requiresAccessToken, tokenOrigins), then run again' },
  )
}

function landedFile(file: FileRecord, exports: readonly ExportRecord[], lake: Lake) {
  if (file.state !== 'landed' || file.kind === 'error') return []
  const record = exports.find((each) => each.export === file.export)!
  return [
    {
      file: file.file,
      kind: file.kind,
      rawPath: lake.path(file.raw_path!),
      exportedAt: record.transaction_time!,
      whole: record.whole,
    },
  ]
}

/** A line that can't be read may be the very resource that seems to be missing. */
function hasRejects(files: readonly FileRecord[], record: ExportRecord, type: string): boolean {
  return files.some(
    (file) =>
      file.export === record.export &&
      file.kind === 'output' &&
      (file.rejects ?? 0) > 0 &&
      (file.type === null || file.type === type),
  )
}
