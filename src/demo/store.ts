/**
 * The demo server's resources. What it was started with never changes and keeps its order; changes lie on top, in
 * memory, one entry per changed resource. Bodies are never altered in place, so an export is a list of bodies taken at
 * one instant: later changes do not reach it.
 */
import { randomUUID } from 'node:crypto'
import { StokerError } from '../core/errors.ts'
import { admits, patientsOf, type ExportScope } from './compartment.ts'
import { DataFiles } from './data-files.ts'
import type { Instants } from './instants.ts'
import { Memberships } from './memberships.ts'
import { isResource, resourceKey, type FhirResource } from './resource.ts'
import { isTombstone, readResource, type Tombstone, type Version } from './version.ts'

export interface CutFilter {
  readonly scope: ExportScope
  /** Only these types; undefined for all. */
  readonly types?: ReadonlySet<string> | undefined
  /** Only what changed after this instant. */
  readonly sinceMs?: number | undefined
  /** Only what changed before this instant. */
  readonly untilMs?: number | undefined
  /** Patients whose resources come whenever they changed. */
  readonly wholePatients?: ReadonlySet<string> | undefined
}

export interface Cut {
  /** Later than every change it contains, earlier than every change that follows. */
  readonly instant: Date
  /** Per type, in the order of `versions`. */
  readonly found: ReadonlyMap<string, readonly Version[]>
  /** `Type/id` of what was deleted after `sinceMs`; empty without it. */
  readonly deleted: readonly string[]
}

export class DemoStore {
  readonly #instants: Instants
  readonly #files: DataFiles
  readonly #base = new Map<string, Version[]>()
  readonly #changed = new Map<string, Map<string, Version | Tombstone>>()
  /** Built per type when a change first asks for an id: a server that only serves never pays for it. */
  readonly #baseById = new Map<string, Map<string, Version>>()
  readonly #memberships = new Memberships()
  #revision = 0

  constructor(instants: Instants, files: DataFiles = new DataFiles()) {
    this.#instants = instants
    this.#files = files
  }

  /** Adds a version the server starts with. The same id may come again: a file's lines are served as they are. */
  load(version: Version): void {
    const loaded = this.#base.get(version.type)
    if (loaded) loaded.push(version)
    else this.#base.set(version.type, [version])
    this.#instants.observe(version.lastUpdatedMs)
  }

  /** Stores a new resource, with a new id where it has none. Throws DEMO_RESOURCE_EXISTS if its id is in use. */
  create(resource: FhirResource): FhirResource {
    const id = resource.id ?? randomUUID()
    if (this.find(resource.resourceType, id)) {
      throw new StokerError('DEMO_RESOURCE_EXISTS', `${resource.resourceType}/${id} is already there.`)
    }
    return this.#write({ ...resource, id }, this.#instants.next())
  }

  /** Stores a resource under its id, whether there was one or not. */
  update(resource: FhirResource): FhirResource {
    return this.#write(resource, this.#instants.next())
  }

  /** Deletes exactly this resource, whatever refers to it. Throws DEMO_RESOURCE_UNKNOWN if there is none. */
  remove(type: string, id: string): void {
    this.#erase(type, id, this.#instants.next())
  }

  /** Several changes that share `instant`, which `nextInstant` gave just before. */
  apply(
    instant: Date,
    changes: { readonly write: readonly FhirResource[]; readonly remove: readonly Version[] },
  ): void {
    for (const resource of changes.write) this.#write(resource, instant)
    for (const { type, id } of changes.remove) this.#erase(type, id, instant)
  }

  /** Later than every change and every cut so far. */
  nextInstant(): Date {
    return this.#instants.next()
  }

  /** Number of changes since the server started. */
  get revision(): number {
    return this.#revision
  }

  /** The newest version of a resource that is not deleted. */
  find(type: string, id: string): Version | undefined {
    const entry = this.#entry(type, id)
    return entry === undefined || isTombstone(entry) ? undefined : entry
  }

  async get(type: string, id: string): Promise<FhirResource | undefined> {
    const version = this.find(type, id)
    return version === undefined ? undefined : await this.read(version)
  }

  read(version: Version): Promise<FhirResource> {
    return readResource(version.content, this.#files)
  }

  /** Everything that is not deleted, type by type: first what the server started with, then what changed. */
  *versions(types: Iterable<string> = this.types()): Generator<Version> {
    for (const type of types) {
      const changed = this.#changed.get(type)
      for (const version of this.#base.get(type) ?? []) if (!changed?.has(version.id)) yield version
      for (const entry of changed?.values() ?? []) if (!isTombstone(entry)) yield entry
    }
  }

  /** Every type that ever had a resource, in alphabetical order. */
  types(): string[] {
    return [...new Set([...this.#base.keys(), ...this.#changed.keys()])].sort()
  }

  /** Number of resources that are not deleted, per type. */
  counts(): Record<string, number> {
    const counts: Record<string, number> = {}
    for (const { type } of this.versions()) counts[type] = (counts[type] ?? 0) + 1
    return counts
  }

  /** The state of this instant, as far as `filter` lets it through. */
  cut(filter: CutFilter): Cut {
    const instant = this.#instants.next()
    const found = new Map<string, Version[]>()
    const types = this.types().filter((type) => filter.types?.has(type) ?? true)
    for (const version of this.versions(types)) {
      if (!isOfTime(version, filter) || !admits(filter.scope, version)) continue
      const others = found.get(version.type)
      if (others) others.push(version)
      else found.set(version.type, [version])
    }
    return { instant, found, deleted: this.deletions(filter) }
  }

  /** `Type/id` of what was deleted after `sinceMs`, as far as `filter` lets it through; nothing without `sinceMs`. */
  deletions({ scope, types, sinceMs, untilMs = Infinity }: CutFilter): string[] {
    if (sinceMs === undefined) return []
    return this.#tombstones(this.types().filter((type) => types?.has(type) ?? true))
      .filter(({ deletedMs }) => deletedMs > sinceMs && deletedMs < untilMs)
      .filter((tombstone) => admits(scope, tombstone))
      .map(resourceKey)
  }

  /** Members of a Group who joined after `sinceMs`; none if there is no such Group. */
  newcomers(group: string, sinceMs: number): ReadonlySet<string> {
    const version = this.find('Group', group)
    return version ? this.#memberships.newcomers(group, roll(version), sinceMs) : new Set()
  }

  #tombstones(types: readonly string[]): Tombstone[] {
    return types.flatMap((type) => [...(this.#changed.get(type)?.values() ?? [])].filter(isTombstone))
  }

  #write(resource: FhirResource, instant: Date): FhirResource {
    const { resourceType: type, id, meta, ...elements } = resource
    if (id === undefined || !isResource(resource)) {
      throw new StokerError('DEMO_RESOURCE_INVALID', 'A resource needs a resourceType and an id that FHIR allows.')
    }
    const versionNumber = (this.#entry(type, id)?.versionNumber ?? 0) + 1
    const stored: FhirResource = {
      resourceType: type,
      id,
      meta: { ...meta, versionId: String(versionNumber), lastUpdated: instant.toISOString() },
      ...elements,
    }
    const version: Version = {
      type,
      id,
      versionNumber,
      lastUpdatedMs: instant.getTime(),
      patients: patientsOf(stored),
      content: JSON.stringify(stored),
    }
    if (type === 'Group') {
      const before = this.find(type, id)
      this.#memberships.note(id, before && roll(before), roll(version))
    }
    this.#put(version)
    return stored
  }

  #erase(type: string, id: string, instant: Date): void {
    const version = this.find(type, id)
    if (version === undefined) throw new StokerError('DEMO_RESOURCE_UNKNOWN', `There is no ${type}/${id} to delete.`)
    const { versionNumber, patients } = version
    this.#put({ type, id, versionNumber: versionNumber + 1, deletedMs: instant.getTime(), patients })
  }

  #put(entry: Version | Tombstone): void {
    const changed = this.#changed.get(entry.type) ?? new Map<string, Version | Tombstone>()
    this.#changed.set(entry.type, changed)
    changed.set(entry.id, entry)
    this.#revision += 1
  }

  #entry(type: string, id: string): Version | Tombstone | undefined {
    return this.#changed.get(type)?.get(id) ?? this.#baseIndex(type).get(id)
  }

  #baseIndex(type: string): Map<string, Version> {
    const known = this.#baseById.get(type)
    if (known) return known
    const index = new Map((this.#base.get(type) ?? []).map((version) => [version.id, version]))
    this.#baseById.set(type, index)
    return index
  }
}

function isOfTime(version: Version, { sinceMs = -Infinity, untilMs = Infinity, wholePatients }: CutFilter): boolean {
  if (version.lastUpdatedMs >= untilMs) return false
  return version.lastUpdatedMs > sinceMs || (wholePatients !== undefined && concerns(version, wholePatients))
}

function concerns({ patients }: Version, asked: ReadonlySet<string>): boolean {
  return patients.some((id) => asked.has(id))
}

function roll({ patients, lastUpdatedMs }: Version) {
  return { patients, fromMs: lastUpdatedMs }
}
