/** The server's part of a run: kick-off, waiting, manifest. After it the ledger lists the files of every export. */
import { exportsOf, recordKickoff, recordManifest, type ExportRecord, type ListedFile } from '../ledger/exports.ts'
import type { Manifest, ManifestFile } from '../bulk/manifest.ts'
import type { RunContext } from './context.ts'

/**
 * Takes each export of the run to `ready`, one after the other: many servers allow a client one job at a time. The
 * status URL is in the ledger before the first poll, so that a restart goes on waiting for the same export.
 */
export async function readyExports(context: RunContext): Promise<void> {
  for (const record of await exportsOf(context.ledger, context.run)) {
    if (record.state === 'ready' || record.state === 'released') continue
    const statusUrl = record.status_url ?? (await kickOff(context, record))
    await awaitManifest(context, record, statusUrl)
  }
}

async function kickOff(context: RunContext, record: ExportRecord): Promise<string> {
  const { source, client, clock, ledger, signal } = context
  const since = record.since ?? undefined
  const kickoff = await client.kickOff({ level: source.level, types: record.types, since }, signal)
  await recordKickoff(ledger, record.export, kickoff, clock.now())
  context.tell({ kind: 'requested', types: record.types, since })
  return kickoff.statusUrl
}

async function awaitManifest(context: RunContext, record: ExportRecord, statusUrl: string): Promise<void> {
  const { source, client, clock, database, signal } = context
  const began = (record.requested_at ?? clock.now()).getTime()
  const manifest = await client.waitForManifest(statusUrl, {
    deadline: new Date(began + source.deadlineHours * 3_600_000),
    onProgress: ({ progress }) => context.tell({ kind: 'waiting', progress, waitedMs: clock.now().getTime() - began }),
    signal,
  })
  const files = listFiles(manifest, record.types)
  await database.transaction((session) =>
    recordManifest(
      session,
      record,
      { transactionTime: manifest.transactionInstant, requiresToken: manifest.requiresAccessToken, files },
      clock.now(),
    ),
  )
  const claims = manifest.output.map((file) => file.count)
  const lines = claims.every((count) => count !== undefined) ? claims.reduce((sum, count) => sum + count, 0) : undefined
  context.tell({ kind: 'listed', files: files.length, lines })
  for (const file of files) {
    if (file.skip !== undefined)
      context.tell({ kind: 'note', text: `a ${file.kind} file is not fetched: ${file.skip}` })
  }
}

/** Servers export types that nobody asked for, a Medplum's client secrets among them: those are not even fetched. */
function listFiles(manifest: Manifest, types: readonly string[]): ListedFile[] {
  const listed = ({ kind, ordinal, type, url, count }: ManifestFile): ListedFile => ({
    kind,
    ordinal,
    type,
    url,
    count,
    skip:
      kind === 'output' && type !== undefined && !types.includes(type) ? `type ${type} was not asked for` : undefined,
  })
  return [...manifest.output, ...manifest.deleted, ...manifest.error].map(listed)
}
