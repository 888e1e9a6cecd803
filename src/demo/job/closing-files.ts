/** The files that close an export: what the server holds besides resources, what was deleted, what it has to say. */
import type { ContentBehaviour, ExportMessage } from '../behaviour/content-behaviour.ts'
import type { ExportOrder } from '../kick-off/export-order.ts'
import { jobFile, type JobFile } from './export-job.ts'

/** Deletions per transaction Bundle, which is one line of a `deleted` file. */
const DELETIONS_PER_BUNDLE = 100

/** @param deleted `Type/id` of what was deleted since `_since`. */
export function closingFiles(order: ExportOrder, deleted: readonly string[], behaviour: ContentBehaviour): JobFile[] {
  const tellsDeletions = order.parameters.sinceMs !== undefined && behaviour.deletes === 'reported'
  return [
    ...(behaviour.ownTypes && order.address.level === 'system' ? [clientApplications()] : []),
    ...(tellsDeletions ? toldDeletions(deleted, behaviour) : []),
    ...messageFiles(order.warnings, behaviour.messages),
  ]
}

function toldDeletions(deleted: readonly string[], { muddledDeletions }: ContentBehaviour): JobFile[] {
  const files = deletionFiles(deleted)
  if (!muddledDeletions) return files
  const type = deleted[0]?.split('/')[0]
  const names = ['deleted.001.ndjson', 'deleted.002.ndjson']
  return files.flatMap((file) => names.map((name) => jobFile({ ...file, name, type })))
}

export function deletionFiles(deleted: readonly string[]): JobFile[] {
  const lines: string[] = []
  for (let from = 0; from < deleted.length; from += DELETIONS_PER_BUNDLE) {
    const entry = deleted
      .slice(from, from + DELETIONS_PER_BUNDLE)
      .map((url) => ({ request: { method: 'DELETE', url } }))
    lines.push(JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry }))
  }
  if (lines.length === 0) return []
  return [jobFile({ name: 'deleted.001.ndjson', kind: 'deleted', type: 'Bundle', count: lines.length, lines })]
}

/** What Medplum's system export has: its clients, with the secrets that let them in. */
function clientApplications(): JobFile {
  const client = {
    resourceType: 'ClientApplication',
    id: 'demo-client',
    name: 'A client of the demo server',
    secret: 'demo-secret-in-clear',
  }
  const [type, lines] = [client.resourceType, [JSON.stringify(client)]]
  return jobFile({ name: 'ClientApplication.001.ndjson', kind: 'output', type, count: 1, lines })
}

function messageFiles(warnings: readonly string[], messages: readonly ExportMessage[]): JobFile[] {
  const issues = [
    ...warnings.map((diagnostics) => ({ severity: 'warning', code: 'not-supported', diagnostics })),
    ...messages.map(({ severity, code }) => ({ severity, code, diagnostics: 'The demo server was told to say so.' })),
  ]
  if (issues.length === 0) return []
  const severities: Record<string, number> = {}
  for (const { severity } of issues) severities[severity] = (severities[severity] ?? 0) + 1
  return [
    jobFile({
      name: 'messages.001.ndjson',
      kind: 'error',
      type: 'OperationOutcome',
      count: warnings.length + messages.reduce((sum, { count = 1 }) => sum + count, 0),
      lines: issues.map((issue) => JSON.stringify({ resourceType: 'OperationOutcome', issue: [issue] })),
      severities,
    }),
  ]
}
