/** The plan of a run: which types are asked for from the beginning, and which from their watermark on. Pure. */
import type { PlannedExport, RequestDetails } from '../ledger/exports.ts'
import type { RunMode } from '../ledger/runs.ts'
import { filtersOf } from './filter.ts'

export interface PlanInput {
  readonly types: readonly string[]
  /** The source's watermarks by type. */
  readonly watermarks: ReadonlyMap<string, { readonly at: Date; readonly filter: string }>
  /** What limits each type now: a watermark under another filter says nothing. */
  readonly filterOf: (type: string) => string
  readonly request: RequestDetails
  readonly mode: 'incremental' | 'full'
  /** Sent as `_since` where there is no watermark: some servers give one day only without it. */
  readonly firstLoad: string | undefined
  /** How far `_since` reaches back behind the watermark; what comes twice is recognised and costs nothing but its way. */
  readonly overlapSeconds: number
  /** When it matters who is in an exported Group: for whole exports that do not tell, or for increments too. */
  readonly membersMatter: 'never' | 'for-whole' | 'always'
}

export interface Plan {
  readonly mode: RunMode
  readonly exports: readonly PlannedExport[]
}

/**
 * Types without a watermark get their whole history in an export of their own, so that a type added to the
 * configuration is complete while the others stay incremental. The others share one export since the oldest of their
 * watermarks; where that is of a Group, who is in it is asked first.
 */
export function planRun(input: PlanInput): Plan {
  const goesOn = (type: string) =>
    input.mode === 'incremental' && input.watermarks.get(type)?.filter === input.filterOf(type)
  const whole = input.types.filter((type) => !goesOn(type))
  const changed = input.types.filter(goesOn)
  const exports: PlannedExport[] = []
  const isSilent = whole.length > 0 && !tellsMembers(whole, input.request)
  const { membersMatter } = input
  if ((membersMatter !== 'never' && isSilent) || (membersMatter === 'always' && changed.length > 0)) {
    exports.push(membersExport(input))
  }
  if (whole.length > 0) exports.push(load(input, whole, input.firstLoad, true))
  if (changed.length > 0) {
    const oldest = Math.min(...changed.map((type) => input.watermarks.get(type)!.at.getTime()))
    exports.push(load(input, changed, new Date(oldest - input.overlapSeconds * 1000).toISOString(), false))
  }
  return { mode: changed.length === 0 ? 'full' : whole.length === 0 ? 'incremental' : 'mixed', exports }
}

/**
 * The history of patients who joined, of the types that are otherwise asked for from their watermark on.
 * @param firstLoad see {@link PlanInput}: without it some servers would send a day of it
 */
export function newcomersExport(
  { types, request, filters }: Pick<PlannedExport, 'types' | 'request' | 'filters'>,
  patients: readonly string[],
  firstLoad: string | undefined,
): PlannedExport {
  return { purpose: 'newcomers', types, since: firstLoad, whole: false, request: { ...request, patients }, filters }
}

/** Whether the Patient lines of a whole export of `types` are the Group's members. */
export function tellsMembers(types: readonly string[], request: RequestDetails): boolean {
  return types.includes('Patient') && filtersOf(request.typeFilters, 'Patient').length === 0
}

/** The pattern of "Group Membership Request" (Bulk Data Access, "Bulk Data Export"). */
function membersExport({ request: asked, firstLoad }: PlanInput): PlannedExport {
  const { organizeOutputBy, allowPartialManifests } = asked
  const request = { elements: ['id'], organizeOutputBy, allowPartialManifests }
  return { purpose: 'members', types: ['Patient'], since: firstLoad, whole: false, request, filters: {} }
}

function load(input: PlanInput, types: readonly string[], since: string | undefined, whole: boolean): PlannedExport {
  const { request } = input
  const typeFilters = types.flatMap((type) => filtersOf(request.typeFilters, type))
  return {
    purpose: 'load',
    types,
    since,
    whole,
    request: { ...request, typeFilters: typeFilters.length === 0 ? undefined : typeFilters },
    filters: Object.fromEntries(types.map((type) => [type, input.filterOf(type)])),
  }
}
