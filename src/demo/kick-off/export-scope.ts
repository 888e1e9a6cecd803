/** Whose resources an export has, and of what time: by its level, its patients, and how the server reads `_since`. */
import type { ExportScope } from '../compartment.ts'
import { Refusal } from '../refusal.ts'
import type { DemoState } from '../steps.ts'
import type { CutFilter } from '../store.ts'
import type { ExportParameters, Objection } from './export-parameters.ts'

export type ExportAddress =
  { readonly level: 'system' | 'patient' } | { readonly level: 'group'; readonly group: string }

/** The id of a Group that is always there and holds every patient, those deleted included. */
export const EVERYONE = 'all'

const DAY_MS = 24 * 3_600_000

/** @throws Refusal (404) for an unknown Group, where the server cares. */
export function cutFilter(
  state: DemoState,
  address: ExportAddress,
  { types, patients, ...parameters }: ExportParameters,
  object: Objection,
): CutFilter {
  const { behaviour, clock } = state
  const lastDayMs = behaviour.pastDayOnly ? clock.now().getTime() - DAY_MS : undefined
  const isNowhere =
    address.level === 'group' && behaviour.unknownGroup === 'empty' && !isGroupThere(state, address.group)
  if (isNowhere) return { types: new Set(), scope: { level: 'group', members: new Set() } }
  const filter = { types, sinceMs: parameters.sinceMs ?? lastDayMs, untilMs: parameters.untilMs }
  const scope = patients ? ofPatients(state, address, patients, object) : scopeOf(state, address)
  const readings = { changed: plainly, 'newcomers-whole': withNewcomers, 'changed-patients': ofChangedPatients }
  return readings[behaviour.groupSince](state, address, { ...filter, scope })
}

function isGroupThere({ store }: DemoState, group: string): boolean {
  return group === EVERYONE || store.find('Group', group) !== undefined
}

function scopeOf({ store }: DemoState, address: ExportAddress): ExportScope {
  if (address.level !== 'group') return { level: address.level }
  const group = store.find('Group', address.group)
  if (group) return { level: 'group', members: new Set(group.patients) }
  if (address.group === EVERYONE) return { level: 'patient' }
  throw new Refusal(404, 'not-found', `There is no Group/${address.group}.`)
}

/** The scope with only these patients in it. */
function ofPatients(
  state: DemoState,
  address: ExportAddress,
  patients: readonly string[],
  object: Objection,
): ExportScope {
  const scope = scopeOf(state, address)
  if (scope.level === 'system') {
    object('not-supported', 'The parameter patient is not for exports at system level.')
    return scope
  }
  const isThere = (id: string) =>
    scope.level === 'group' ? scope.members.has(id) : state.store.find('Patient', id) !== undefined
  const strangers = patients.filter((id) => !isThere(id))
  if (strangers.length > 0) object('not-found', `Of the patients asked for, ${strangers.length} are not there.`)
  return { level: 'group', members: new Set(patients.filter(isThere)) }
}

function plainly(_state: DemoState, _address: ExportAddress, filter: CutFilter): CutFilter {
  return filter
}

function withNewcomers({ store }: DemoState, address: ExportAddress, filter: CutFilter): CutFilter {
  if (address.level !== 'group' || filter.sinceMs === undefined) return filter
  return { ...filter, wholePatients: store.newcomers(address.group, filter.sinceMs) }
}

function ofChangedPatients({ store }: DemoState, address: ExportAddress, filter: CutFilter): CutFilter {
  const { scope, sinceMs } = filter
  if (address.level !== 'group' || scope.level !== 'group' || sinceMs === undefined) return filter
  const hasChanged = (id: string) => (store.find('Patient', id)?.lastUpdatedMs ?? 0) > sinceMs
  return { ...filter, scope: { level: 'group', members: new Set([...scope.members].filter(hasChanged)) } }
}
