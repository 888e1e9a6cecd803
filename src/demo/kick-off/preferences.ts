/** What the header `Prefer` of a kick-off asks for (RFC 7240). */
import type { Exchange } from '../exchange.ts'

export interface Preferences {
  readonly respondAsync: boolean
  /** Ignore what is not supported instead of refusing it. */
  readonly lenient: boolean
  /** `separate-export-status`: the status URL answers 200, and tells of the export in a header. */
  readonly separateStatus: boolean
}

export function readPreferences(exchange: Exchange): Preferences {
  const words = exchange
    .header('prefer')
    .split(/[,;]/)
    .map((word) => word.trim().toLowerCase())
  return {
    respondAsync: words.includes('respond-async'),
    lenient: words.includes('handling=lenient'),
    separateStatus: words.includes('separate-export-status'),
  }
}
