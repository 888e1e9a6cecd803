/** The entries of a manifest: what files there are, and what the server says of each. */
import type { ManifestFile } from './manifest.ts'

/** @param odd the error for an entry without a URL that can be used, at its place */
export function manifestFiles(
  kind: ManifestFile['kind'],
  entries: readonly unknown[],
  base: URL,
  odd: (place: number) => Error,
): ManifestFile[] {
  return entries.map((entry, ordinal): ManifestFile => {
    const { type, url, count, countSeverity } = recordOf(entry)
    const address = urlOf(url, base)
    if (address === undefined) throw odd(ordinal)
    return {
      kind,
      ordinal,
      type: typeof type === 'string' && /^[A-Za-z]{1,64}$/.test(type) ? type : undefined,
      url: address,
      count: countOf(count),
      severities: severitiesOf(countSeverity),
    }
  })
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function urlOf(value: unknown, base: URL): string | undefined {
  return typeof value === 'string' && value.trim() !== '' && URL.canParse(value, base.href)
    ? new URL(value, base).href
    : undefined
}

function countOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}

function severitiesOf(value: unknown): Readonly<Record<string, number>> | undefined {
  if (!Array.isArray(value)) return undefined
  const pairs = value.map(recordOf).flatMap(({ code, count }) => {
    const number = countOf(count)
    return typeof code === 'string' && /^[a-z]{1,20}$/.test(code) && number !== undefined
      ? [[code, number] as const]
      : []
  })
  return pairs.length === 0 ? undefined : Object.fromEntries(pairs)
}
