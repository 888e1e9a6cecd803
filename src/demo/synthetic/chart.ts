/** Collects resources as they are made, giving each an id and a `meta` that fits its date. */
import type { Random } from '../random.ts'
import type { FhirResource } from '../resource.ts'
import { DAY_MS, HISTORY_END_MS, HISTORY_START_MS, HOUR_MS, instant } from './calendar.ts'

/** A resource's elements, without type, id and meta. */
export type Elements = Readonly<Record<string, unknown>>

export class Chart {
  readonly random: Random
  readonly resources: FhirResource[] = []

  constructor(random: Random) {
    this.random = random
  }

  /** Adds a resource of something that happened at `ms`, and gives the reference to it. */
  add(type: string, ms: number, elements: Elements, id = this.random.uuid()): { readonly reference: string } {
    // Most records are closed the same day; some are corrected later, and their version tells.
    const versionNumber = this.random.weighted([
      [88, 1],
      [10, 2],
      [2, 3],
    ])
    const delay = versionNumber === 1 ? this.random.whole(1, 20) * HOUR_MS : this.random.whole(1, 30) * DAY_MS
    // What is older than the recorded history was taken over when recording began.
    const recordedMs = Math.max(ms, HISTORY_START_MS) + delay + this.random.whole(0, 3_599_999)
    const lastUpdatedMs = Math.min(recordedMs, HISTORY_END_MS)
    const meta = { versionId: String(versionNumber), lastUpdated: instant(lastUpdatedMs) }
    this.resources.push({ resourceType: type, id, meta, ...elements })
    return { reference: `${type}/${id}` }
  }
}
