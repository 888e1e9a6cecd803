/** Sizes as people write them: 512MB is 512 × 10^6 bytes, 2GiB is 2 × 2^30. */

const BYTES_BY_UNIT: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
}

/** Whole bytes, rounded down; undefined for text that is no size (a bare number and "1G" are none: which unit?). */
export function parseByteSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([A-Za-z]+)$/.exec(text.trim())
  const unit = BYTES_BY_UNIT[match?.[2]?.toLowerCase() ?? '']
  if (!match || unit === undefined) return undefined
  const bytes = Math.floor(Number(match[1]) * unit)
  return Number.isSafeInteger(bytes) ? bytes : undefined
}
