/** Lets the store change as a hospital's would: some resources come, some are altered, some go. */
import { StokerError } from '../core/errors.ts'
import { altered, copiedAsNew } from './changed-resource.ts'
import { randomFrom, type Random } from './random.ts'
import { resourceKey, type FhirResource } from './resource.ts'
import type { DemoStore } from './store.ts'
import type { Version } from './version.ts'

export interface ChangeOptions {
  /** Share of the store's resources that change, in percent: about a third each created, updated and deleted. */
  readonly percent: number
  /** The same seed on the same store makes the same changes; a later call makes others. 1 by default. */
  readonly seed?: number
}

/** Lists of `Type/id`; none is in two of them. */
export interface ChangeSummary {
  readonly created: readonly string[]
  readonly updated: readonly string[]
  readonly deleted: readonly string[]
}

/** New resources are copies of these, for the same patient, with an id and a date of their own. */
const CREATED_TYPES: ReadonlySet<string> = new Set([
  'Observation',
  'Procedure',
  'Immunization',
  'MedicationRequest',
  'Condition',
])

/** Nothing refers to these, so their deletion leaves no reference without its end. */
const LEAF_TYPES: ReadonlySet<string> = new Set([
  'AllergyIntolerance',
  'DiagnosticReport',
  'ExplanationOfBenefit',
  'ImagingStudy',
  'Immunization',
])

/**
 * Changes `percent` of the store, at least one resource each way, all at one instant. Deletes leaves only: the types
 * above, and observations that no report holds (all but laboratory results); where there are none, anything.
 *
 * Throws DEMO_PERCENT_INVALID, and DEMO_TOO_SMALL if the store has fewer than two resources.
 */
export async function changeStore(store: DemoStore, { percent, seed = 1 }: ChangeOptions): Promise<ChangeSummary> {
  if (!(percent >= 0 && percent <= 100)) {
    throw new StokerError('DEMO_PERCENT_INVALID', 'percent must be a number from 0 to 100.')
  }
  const random = randomFrom(`change/${seed}/${store.revision}`)
  const all = [...store.versions()]
  if (all.length < 2) throw new StokerError('DEMO_TOO_SMALL', 'The store has too few resources to change any.')
  const each = Math.max(1, Math.round((all.length * percent) / 300))

  const taken = new Set<string>()
  const remove = await choose(all, each, random, taken, (version) => isLeaf(version, store))
  const update = await choose(all, each, random, taken, async ({ type }) => type !== 'Group')
  const models = await choose(all, each, random, new Set(taken), async ({ type }) => CREATED_TYPES.has(type))

  const read = (versions: readonly Version[]) => Promise.all(versions.map((version) => store.read(version)))
  const [before, patterns] = [await read(update), await read(models)]
  const instant = store.nextInstant()
  const updates = before.map((resource) => altered(resource, random, instant))
  const creations = patterns.map((resource) =>
    copiedAsNew(resource, unusedId(store, resource, random), random, instant),
  )
  store.apply(instant, { write: [...updates, ...creations], remove })
  return { created: creations.map(key), updated: updates.map(key), deleted: remove.map(resourceKey) }
}

/** Up to `count` versions that are not `taken`, which grows by them: suitable ones, and others only for want of any. */
async function choose(
  all: readonly Version[],
  count: number,
  random: Random,
  taken: Set<string>,
  suits: (version: Version) => Promise<boolean>,
): Promise<Version[]> {
  const chosen: Version[] = []
  const order = shuffled(all, random)
  for (const wanted of [suits, async () => chosen.length === 0]) {
    for (const version of order) {
      if (chosen.length >= count) return chosen
      if (taken.has(resourceKey(version)) || !(await wanted(version))) continue
      taken.add(resourceKey(version))
      chosen.push(version)
    }
  }
  return chosen
}

function shuffled(all: readonly Version[], random: Random): Version[] {
  const order = [...all]
  for (let last = order.length - 1; last > 0; last--) {
    const other = random.whole(0, last)
    ;[order[last], order[other]] = [order[other]!, order[last]!]
  }
  return order
}

async function isLeaf(version: Version, store: DemoStore): Promise<boolean> {
  if (version.type !== 'Observation') return LEAF_TYPES.has(version.type)
  const { category } = (await store.read(version)) as { category?: { coding?: { code?: string }[] }[] }
  const codes = category?.flatMap((concept) => concept.coding ?? []).map((coding) => coding.code) ?? []
  return codes.length > 0 && !codes.includes('laboratory')
}

function unusedId(store: DemoStore, { resourceType }: FhirResource, random: Random): string {
  for (;;) {
    const id = random.uuid()
    if (!store.find(resourceType, id)) return id
  }
}

function key({ resourceType, id }: FhirResource): string {
  return `${resourceType}/${id}`
}
