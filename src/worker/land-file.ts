/** One staged file → raw log, with what was found in it that was not asked for or announced. */
import { rm } from 'node:fs/promises'
import { land, type Landed } from '../landing/land.ts'
import { outsideAsked } from '../landing/asked.ts'
import { rejectsPath } from '../landing/rejects.ts'
import { BUNDLE_LINE_BYTES_MAX, splitBundles } from '../landing/split-bundles.ts'
import type { ExportRecord } from '../ledger/exports.ts'
import { recordLanded, recordStaged, type FileRecord, type StagedFacts } from '../ledger/files.ts'
import type { RunContext } from './context.ts'
import { factsOf, nameOf } from './fetch-file.ts'
import { countFinding, report } from './findings.ts'
import { landingNeed, withRoom } from './room.ts'

export async function landFile(
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
  const landed = await withRoom({ ...context, signal }, landingNeed(nameOf(file), facts.bytes), (within) =>
    database.using((session) => session.interruptible(within.signal, () => land(session, raw, facts))),
  )
  await database.transaction((session) =>
    recordLanded(session, file, {
      ...landed,
      rawPath: relative,
      rejectsPath: landed.rejects > 0 ? rejectsPath(rawPath) : undefined,
    }),
  )
  await rm(stagedPath, { force: true })
  const place = { file: file.file, export: file.export, of: factsOf(file) }
  context.tell({ kind: 'landed', ...place, type: nameOf(file), bytes: facts.bytes, ...landed })
  if (file.kind === 'output') await compare(context, file, record, landed, rawPath)
}

/** What came against what was announced and asked. */
async function compare(
  context: RunContext,
  file: FileRecord,
  record: ExportRecord,
  landed: Landed,
  rawPath: string,
): Promise<void> {
  const miscounted = countFinding(file, landed.resources + landed.rejects)
  if (miscounted !== undefined) await report(context, file, miscounted)
  if (record.purpose === 'members') return
  const { newcomers } = context.source.groupChanges
  // A server that sends the history of patients who joined sends what is older than _since, and rightly so.
  const since = context.source.level.kind === 'group' && newcomers === 'included' ? null : record.since
  const outside = await context.database.using((session) =>
    outsideAsked(session, rawPath, {
      since: record.whole ? null : since,
      typeFilters: record.request.typeFilters ?? [],
      elements: (record.request.elements?.length ?? 0) > 0,
    }),
  )
  for (const { code, type, count } of outside) await report(context, file, { code, type, count })
}
