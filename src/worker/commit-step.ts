/** The commit: index, view tables, tombstones, books, members and watermarks in ONE transaction. */
import { StokerError } from '../core/errors.ts'
import { writeBooks, type Books } from '../ledger/books.ts'
import { exportsOf, type ExportRecord } from '../ledger/exports.ts'
import { filesOf, type FileRecord } from '../ledger/files.ts'
import { recordMessages } from '../ledger/messages.ts'
import { moveRun } from '../ledger/runs.ts'
import { dropWatermarks, keepWatermarks, moveWatermarks } from '../ledger/watermarks.ts'
import type { Lake } from '../warehouse/lake.ts'
import { merge } from '../warehouse/merge/merge.ts'
import { countRows } from '../warehouse/tables/view-tables.ts'
import type { RunContext } from './context.ts'
import { closeBooks } from './closing.ts'
import { checkMergeBooks, countIndexed, countRaw } from './merge-books.ts'
import { heldByMerge, historiesHeld, holdings, overtaken, safeWatermark } from './holdings.ts'
import { commitMembers, holdWithoutMembers } from './membership.ts'

/**
 * @throws StokerError RUN_NOTHING_LOADED when not one file of output could be had though the server listed some,
 * MERGE_BOOKS when what landed, what was merged and what the tables hold do not agree.
 */
export async function commitRun(context: RunContext): Promise<Books> {
  const { database, run, source, views, clock, signal, lake } = context
  const exports = await exportsOf(context.ledger, run)
  const files = await filesOf(context.ledger, run)
  refuseEmptyHanded(files)
  const loads = exports.filter((record) => record.purpose === 'load')
  let done = 0
  const books = await database.transaction(async (session) => {
    const messages = files.filter((file) => file.kind === 'error' && file.state === 'landed')
    const severities = await recordMessages(
      session,
      run,
      messages.map((file) => lake.path(file.raw_path!)),
    )
    const heldOf = (records: readonly ExportRecord[]) => holdings(records, files, severities, source.profile.counts)
    const leavers = await commitMembers(context, session, exports, files, heldOf)
    const held = new Map([...holdWithoutMembers(source, exports, files, leavers), ...heldOf(loads)])
    const landed = files.flatMap((file) => landedFile(file, exports, lake))
    const raw = await countRaw(
      session,
      landed.map((file) => file.rawPath),
    )
    const rowsBefore = await countRows(session, views)
    const merged = await merge(session, {
      run,
      source: source.name,
      lake,
      types: loads.flatMap((each) => each.types),
      files: landed,
      held: new Set(held.keys()),
      whole: loads
        .filter((each) => each.whole)
        .map((each) => ({ types: each.types.filter((type) => !held.has(type)), exportedAt: safeWatermark(each) })),
      leavers,
      views,
      onView: (table) => context.tell({ kind: 'merging', table, done: done++, of: views.length }),
    })
    checkMergeBooks({ files: landed, raw, rowsBefore, index: await countIndexed(session, run), ...merged })
    for (const [type, why] of heldByMerge(loads, files, merged)) if (!held.has(type)) held.set(type, why)
    for (const each of loads) {
      const filters = new Map(each.types.filter((type) => !held.has(type)).map((type) => [type, each.filters[type]!]))
      await moveWatermarks(session, run, source.name, filters, safeWatermark(each))
    }
    await dropWatermarks(session, source.name, [
      ...overtaken(loads),
      ...loads.flatMap((each) => (each.whole ? each.types.filter((type) => held.has(type)) : [])),
    ])
    // The types that are not asked for now would lack the history of those who join meanwhile.
    if (leavers?.joined) await keepWatermarks(session, source.name, source.types)
    const closed = closeBooks(merged, files, loads, new Map([...historiesHeld(exports, heldOf), ...held]))
    await writeBooks(session, run, closed)
    await moveRun(session, run, 'committed', clock.now())
    return closed
  }, signal)
  const total = (key: 'inserted' | 'updated' | 'deleted') => books.types.reduce((sum, type) => sum + type[key], 0)
  context.tell({ kind: 'committed', inserted: total('inserted'), updated: total('updated'), deleted: total('deleted') })
  return books
}

function refuseEmptyHanded(files: readonly FileRecord[]): void {
  const outputs = files.filter((file) => file.kind === 'output' && file.state !== 'skipped')
  if (outputs.length === 0 || outputs.some((file) => file.state !== 'failed')) return
  throw new StokerError(
    'RUN_NOTHING_LOADED',
    `none of the ${outputs.length.toLocaleString('en-US')} files the server listed could be had: ${outputs[0]!.note ?? ''}`,
    { hint: 'check that the source may read its export files (requiresAccessToken, tokenOrigins), then run again' },
  )
}

/** A list of members is no data: no row is made of it. */
function landedFile(file: FileRecord, exports: readonly ExportRecord[], lake: Lake) {
  const record = exports.find((each) => each.export === file.export)!
  if (file.state !== 'landed' || file.kind === 'error' || record.purpose === 'members') return []
  return [
    {
      file: file.file,
      kind: file.kind,
      rawPath: lake.path(file.raw_path!),
      types: record.types,
      resources: file.resources ?? 0,
      exportedAt: file.dated ?? safeWatermark(record),
      since: record.since === null ? undefined : new Date(record.since),
      whole: record.whole || record.purpose === 'newcomers',
      elementsAsked: (record.request.elements?.length ?? 0) > 0,
    },
  ]
}
