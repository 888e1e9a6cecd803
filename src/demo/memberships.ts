/** Since when each patient is a member of each Group: what the Groups' versions tell when one is written after another. */

interface Roll {
  readonly patients: readonly string[]
  /** Instant from which the roll holds. */
  readonly fromMs: number
}

export class Memberships {
  readonly #joinedMs = new Map<string, ReadonlyMap<string, number>>()

  /** Notes the roll of Group `id` that follows `before`; those who were on it joined earlier. */
  note(id: string, before: Roll | undefined, now: Roll): void {
    const known = (before && this.#joinedMs.get(id)) ?? new Map(before?.patients.map((each) => [each, before.fromMs]))
    this.#joinedMs.set(id, new Map(now.patients.map((patient) => [patient, known.get(patient) ?? now.fromMs])))
  }

  /** Those on the roll who joined after `sinceMs`. */
  newcomers(id: string, roll: Roll, sinceMs: number): ReadonlySet<string> {
    const known = this.#joinedMs.get(id)
    return new Set(roll.patients.filter((patient) => (known?.get(patient) ?? roll.fromMs) > sinceMs))
  }
}
