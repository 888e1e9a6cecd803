/** The plan of a run: which types are asked for together, and since when. Pure. */
import type { PlannedExport } from '../ledger/exports.ts'
import type { RunMode } from '../ledger/runs.ts'

export interface PlanInput {
  readonly types: readonly string[]
  /** The source's watermarks by type. */
  readonly watermarks: ReadonlyMap<string, Date>
  readonly mode: 'incremental' | 'full'
  /** Sent as `_since` where there is no watermark: some servers give one day only without it. */
  readonly firstLoad: string | undefined
  /** How far `_since` reaches back behind the watermark; what comes twice is recognised and costs nothing but its way. */
  readonly overlapSeconds: number
}

export interface Plan {
  readonly mode: RunMode
  readonly exports: readonly PlannedExport[]
}

/**
 * Types without a watermark get their whole history in an export of their own, so that a type added to the
 * configuration is complete while the others stay incremental. The others share one export since the oldest of their
 * watermarks.
 */
export function planRun(input: PlanInput): Plan {
  const isHeld = (type: string) => input.mode === 'incremental' && input.watermarks.has(type)
  const whole = input.types.filter((type) => !isHeld(type))
  const held = input.types.filter(isHeld)
  const exports: PlannedExport[] = []
  if (whole.length > 0) exports.push({ types: whole, since: input.firstLoad, whole: true })
  if (held.length > 0) {
    const oldest = Math.min(...held.map((type) => input.watermarks.get(type)!.getTime()))
    const since = new Date(oldest - input.overlapSeconds * 1000).toISOString()
    exports.push({ types: held, since, whole: false })
  }
  return { mode: held.length === 0 ? 'full' : whole.length === 0 ? 'incremental' : 'mixed', exports }
}
