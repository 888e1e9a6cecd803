/** A page of a manifest into the ledger: which files there are, and which of them are fetched. */
import type { Manifest, ManifestFile } from '../bulk/export/manifest.ts'
import { recordManifest, type ExportRecord } from '../ledger/exports.ts'
import { filesOfExport, listFiles, type ListedFile } from '../ledger/files.ts'
import type { RunContext } from './context.ts'
import type { ManifestEntries } from './events.ts'
import { report } from './findings.ts'
import { HARMLESS } from './holdings.ts'

export async function listPage(context: RunContext, record: ExportRecord, page: Manifest): Promise<void> {
  const known = await filesOfExport(context.ledger, record.export)
  const places = new Set(known.map(placeOf))
  const fetched = new Set(known.filter((file) => file.state !== 'skipped').map(addressOf))
  const files: ListedFile[] = []
  const odd = new Map<
    string,
    { readonly type: string | undefined; readonly code: 'TYPE_UNASKED' | 'FILE_TWICE'; count: number }
  >()
  const dated = context.source.manifestUrl === undefined ? undefined : page.transactionInstant
  for (const entry of [...page.output, ...page.deleted, ...page.error]) {
    const isNew = !places.has(placeOf(entry))
    const type = askedType(entry, page, record)
    const code = isUnasked({ ...entry, type }, record)
      ? 'TYPE_UNASKED'
      : isNew && dated === undefined && fetched.has(addressOf({ ...entry, type }))
        ? 'FILE_TWICE'
        : undefined
    if (code === undefined) fetched.add(addressOf({ ...entry, type }))
    files.push({ ...entry, count: claimOf(entry), type, dated, skip: code === undefined ? undefined : SKIPPED[code] })
    if (code === undefined || !isNew) continue
    const key = `${code} ${entry.type ?? ''}`
    const found = odd.get(key) ?? { code, type: entry.type, count: 0 }
    found.count += 1
    odd.set(key, found)
  }
  await context.database.transaction(async (session) => {
    await recordManifest(session, record.export, {
      transactionTime: page.transactionInstant,
      requiresToken: page.requiresAccessToken,
    })
    await listFiles(session, record, files)
  })
  for (const found of odd.values()) await report(context, record, found)
  const claims = page.output.map((file) => file.count)
  const lines = claims.every((count) => count !== undefined) ? claims.reduce((sum, count) => sum + count, 0) : undefined
  context.tell({
    kind: 'listed',
    files: files.filter((file) => file.skip === undefined).length,
    lines,
    export: record.export,
    transactionTime: page.transactionInstant,
    entries: entriesOf(files),
  })
}

export function entriesOf(files: readonly Pick<ListedFile, 'kind'>[]): ManifestEntries {
  const count = (kind: ListedFile['kind']) => files.filter((file) => file.kind === kind).length
  return { output: count('output'), deleted: count('deleted'), error: count('error') }
}

const SKIPPED = { TYPE_UNASKED: 'its type was not asked for', FILE_TWICE: 'the same file is listed before it' } as const

/** Servers export types that nobody asked for, a Medplum's client secrets among them: those are not even fetched. */
function isUnasked({ kind, type }: ManifestFile, { types }: ExportRecord): boolean {
  return kind === 'output' && type !== undefined && !types.includes(type)
}

/** Of messages, those that are worse than a warning, where the manifest tells them apart (STU4, `countSeverity`). */
function claimOf({ kind, count, severities }: ManifestFile): number | undefined {
  if (kind !== 'error' || severities === undefined) return count
  return Object.entries(severities).reduce((sum, [severity, each]) => (HARMLESS.has(severity) ? sum : sum + each), 0)
}

/** One file may hold several types, and be listed under each. */
function addressOf({ type, url }: { readonly type?: string | null | undefined; readonly url: string }): string {
  return `${type ?? ''} ${url}`
}

function placeOf(file: { readonly kind: string; readonly ordinal: number }): string {
  return `${file.kind} ${file.ordinal}`
}

/** As it was asked for, whatever its case. Of an organized export a file holds several types, whatever its name says. */
function askedType({ kind, type }: ManifestFile, page: Manifest, { types, request }: ExportRecord): string | undefined {
  if (kind !== 'output' || type === undefined) return type
  if (request.organizeOutputBy !== undefined || page.organizedBy !== undefined) return undefined
  if (ANY_TYPE.has(type)) return undefined
  return types.find((each) => each.toLowerCase() === type.toLowerCase()) ?? type
}

/** What a server may write over a file that holds several types. */
const ANY_TYPE: ReadonlySet<string> = new Set(['Resource', 'DomainResource'])
