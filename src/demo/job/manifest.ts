/** The manifest: what an export has, and where it lies (hl7.org/fhir/uv/bulkdata/export.html#response---output-manifest). */
import { fileUrl, filesNeedToken } from '../download/file-address.ts'
import type { ManifestBehaviour } from '../behaviour/manifest-behaviour.ts'
import type { DemoState } from '../steps.ts'
import type { ExportJob, JobFile } from './export-job.ts'

export interface ManifestPage {
  readonly files: readonly JobFile[]
  /** URL of the page that follows. */
  readonly next: string | undefined
}

export function manifest(state: DemoState, job: ExportJob, { files, next }: ManifestPage): object {
  const { behaviour } = state
  const { organized } = job.order.parameters
  const list = (kind: JobFile['kind']) => files.filter((file) => file.kind === kind)
  const address = (file: Pick<JobFile, 'name'>) => fileUrl(state, job, file)
  const whole = {
    transactionTime: job.transactionTime,
    // As a base and a path look that were put together without a thought.
    request: behaviour.malformedRequest ? `${state.baseUrl}${job.order.request}` : job.order.request,
    requiresAccessToken: behaviour.tokenFlag ?? filesNeedToken(state),
    ...(organized && { outputOrganizedBy: 'Patient' }),
    output: list('output').map((file) => {
      const { continuesIn: name } = file
      return { ...entry(file, address), ...(name !== undefined && { continuesInFile: address({ name }) }) }
    }),
    deleted: list('deleted').map((file) => {
      const { type, ...rest } = entry(file, address)
      return behaviour.typelessDeleted ? rest : { type, ...rest }
    }),
    [behaviour.outcomeName]: list('error').map((file) => messageEntry(file, address, behaviour)),
    ...(next !== undefined && { link: [{ relation: 'next', url: next }] }),
    ...(behaviour.manifestExtension && {
      extension: { 'https://example.org/fhir/export-notes': 'no client knows this' },
    }),
  }
  return withoutOmitted(whole, behaviour)
}

interface Entry {
  readonly type?: string
  readonly url: string
  readonly count: number
}

function entry(file: JobFile, address: (file: JobFile) => string): Entry {
  const { type, count } = file
  return { ...(type !== undefined && { type }), url: address(file), count }
}

function messageEntry(file: JobFile, address: (file: JobFile) => string, { outcomeName }: ManifestBehaviour): object {
  const { type, ...rest } = entry(file, address)
  if (outcomeName === 'error') return { type, ...rest }
  const countSeverity = Object.entries(file.severities ?? {}).map(([code, count]) => ({ code, count }))
  return { ...rest, countSeverity }
}

function withoutOmitted(manifest: Readonly<Record<string, unknown>>, behaviour: ManifestBehaviour): object {
  const { manifestOmits, outcomeName } = behaviour
  const omitted = new Set<string>(manifestOmits.map((key) => (key === 'error' ? outcomeName : key)))
  if ((manifest['output'] as readonly unknown[]).length > 0) omitted.delete('output')
  const kept = Object.entries(manifest).filter(([key]) => !omitted.has(key))
  if (!omitted.has('count')) return Object.fromEntries(kept)
  return Object.fromEntries(kept.map(([key, value]) => [key, Array.isArray(value) ? value.map(uncounted) : value]))
}

function uncounted(entry: object): object {
  return Object.fromEntries(Object.entries(entry).filter(([key]) => key !== 'count'))
}
