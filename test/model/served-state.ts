/** The small model of a server: every version of every resource, and who was in the Group when. */

export const TYPES = ['Patient', 'Condition', 'Observation', 'Encounter'] as const
export type ServedType = (typeof TYPES)[number]

export interface Version {
  readonly type: ServedType
  readonly id: string
  /** Stands for what it says: equal numbers, equal elements. */
  readonly content: number
  readonly version: number
  /** When the server took it, in milliseconds. */
  readonly atMs: number
  readonly isDeleted: boolean
}

interface Stay {
  readonly joinedMs: number
  leftMs: number
}

/** All is told by instants, so that the state of any past moment can be read, by an export that takes its time for instance. */
export class ServedState {
  /** By `Type/id`, oldest first. */
  private versions = new Map<string, Version[]>()
  private readonly stays = new Map<string, Stay[]>()
  private readonly restartsVersions: boolean

  constructor({ restartsVersions }: { readonly restartsVersions: boolean }) {
    this.restartsVersions = restartsVersions
  }

  /** Creates, updates or creates anew. */
  put(type: ServedType, id: string, content: number, atMs: number): void {
    this.add({ type, id, content, atMs, isDeleted: false })
  }

  /** A new version that says what the present one says. */
  touch(type: ServedType, id: string, atMs: number): void {
    const last = this.newest(type, id)
    if (last !== undefined && !last.isDeleted) this.add({ ...last, atMs })
  }

  /** The oldest version's content, as a new version. */
  restore(type: ServedType, id: string, atMs: number): void {
    const first = this.versions.get(`${type}/${id}`)?.[0]
    if (first !== undefined) this.add({ ...first, atMs, isDeleted: false })
  }

  remove(type: ServedType, id: string, atMs: number): void {
    const last = this.newest(type, id)
    if (last !== undefined && !last.isDeleted) this.add({ ...last, atMs, isDeleted: true })
  }

  join(patient: string, atMs: number): void {
    const stays = this.stays.get(patient) ?? []
    if (stays.at(-1)?.leftMs === Infinity) return
    this.stays.set(patient, [...stays, { joinedMs: atMs, leftMs: Infinity }])
  }

  leave(patient: string, atMs: number): void {
    const last = this.stays.get(patient)?.at(-1)
    if (last?.leftMs === Infinity) last.leftMs = atMs
  }

  /** A backup is played back: what came after `atMs` is as if it had never been. Who is in the Group stays. */
  goBackTo(atMs: number): void {
    const kept = [...this.versions].map(([key, all]) => [key, all.filter((each) => each.atMs <= atMs)] as const)
    this.versions = new Map(kept.filter(([, all]) => all.length > 0))
  }

  /** What is there, deletions included: the newest version of each resource as of `atMs`. */
  asOf(atMs: number): Version[] {
    return [...this.versions.values()].flatMap((all) => all.findLast((each) => each.atMs <= atMs) ?? [])
  }

  alive(atMs: number): Version[] {
    return this.asOf(atMs).filter(({ isDeleted }) => !isDeleted)
  }

  /** Those before the newest one as of `atMs`, that were none of a deletion. */
  older({ type, id, atMs }: Version): Version[] {
    return (this.versions.get(`${type}/${id}`) ?? []).filter((each) => each.atMs < atMs && !each.isDeleted)
  }

  /** What was deleted since then and is not there; with `orReturned`, what is there again as well. */
  deletedSince(sinceMs: number, atMs: number, orReturned: boolean): Version[] {
    return this.asOf(atMs).filter((newest) => {
      if (newest.isDeleted) return newest.atMs >= sinceMs
      const all = this.versions.get(`${newest.type}/${newest.id}`)!
      return orReturned && all.some((each) => each.isDeleted && each.atMs >= sinceMs && each.atMs <= atMs)
    })
  }

  /** By patient who is in the Group and on the server: since when both is so. */
  membersAsOf(atMs: number): Map<string, number> {
    const members = new Map<string, number>()
    for (const [patient, stays] of this.stays) {
      const stay = stays.find(({ joinedMs, leftMs }) => joinedMs <= atMs && leftMs > atMs)
      const life = this.lifeOf(patient, atMs)
      if (stay !== undefined && life !== undefined) members.set(patient, Math.max(stay.joinedMs, life))
    }
    return members
  }

  /** Since when the patient is there without a break. */
  private lifeOf(patient: string, atMs: number): number | undefined {
    const all = (this.versions.get(`Patient/${patient}`) ?? []).filter((each) => each.atMs <= atMs)
    if (all.at(-1)?.isDeleted ?? true) return undefined
    return all[all.findLastIndex(({ isDeleted }) => isDeleted) + 1]!.atMs
  }

  private newest(type: ServedType, id: string): Version | undefined {
    return this.versions.get(`${type}/${id}`)?.at(-1)
  }

  private add(version: Omit<Version, 'version'>): void {
    const key = `${version.type}/${version.id}`
    const all = this.versions.get(key) ?? []
    const last = all.at(-1)
    const isNewLife = last?.isDeleted === true && this.restartsVersions
    this.versions.set(key, [...all, { ...version, version: isNewLife ? 1 : (last?.version ?? 0) + 1 }])
  }
}

/** The patient a resource belongs to: its id says so. */
export function patientOf({ type, id }: Pick<Version, 'type' | 'id'>): string {
  return type === 'Patient' ? id : id.split('-')[0]!
}
