/** Who is in the exported Group, as this run saw it, and who left. */
import type { ExportRecord } from '../ledger/exports.ts'
import type { FileRecord } from '../ledger/files.ts'
import { recordFinding } from '../ledger/findings.ts'
import { joinedIn, LEFT, MEMBERS, noteSeen, recordMembers, type MemberChanges } from '../ledger/members.ts'
import type { Session } from '../store/session.ts'
import type { Leavers } from '../warehouse/merge/leavers.ts'
import type { RunContext } from './context.ts'
import { groupKey } from './filter.ts'
import { safeWatermark } from './holdings.ts'
import { tellsMembers } from './plan.ts'
import type { Source } from './source.ts'

/**
 * Records the members in the transaction that commits their rows. Where the list, or the history of those who joined,
 * did not come whole, nothing is recorded: the next run sees the same newcomers again.
 * @returns who left, up to now; undefined where the source is no Group or its members are not known.
 */
export async function commitMembers(
  context: RunContext,
  session: Session,
  exports: readonly ExportRecord[],
  files: readonly FileRecord[],
  heldOf: (exports: readonly ExportRecord[]) => ReadonlyMap<string, string>,
): Promise<(Leavers & { readonly joined: number }) | undefined> {
  const { source, run, lake } = context
  const teller = source.level.kind === 'group' ? tellerOf(exports) : undefined
  if (teller === undefined || teller.transaction_time === null) return undefined
  const lines = memberFiles(files.filter((file) => file.export === teller.export))
  if (lines?.every((file) => !file.resources)) return undefined
  const histories = exports.filter((record) => record.whole || record.purpose === 'newcomers')
  const isSure = lines !== undefined && !heldOf([teller]).has('Patient') && heldOf(histories).size === 0
  const changes = isSure ? await takeList(context, session, teller, lines) : undefined
  const patients = files.filter(
    ({ kind, type, state }) => kind === 'output' && type === 'Patient' && state === 'landed',
  )
  const paths = patients.map((file) => lake.path(file.raw_path!))
  await noteSeen(session, run, source.name, groupKey(source), paths)
  if (changes === undefined) return undefined
  const { known, joined, left, returned } = changes
  const { leavers: policy } = source.groupChanges
  const history = exports.find((record) => record.purpose === 'newcomers')
  return {
    joined: known ? joined : 0,
    members: MEMBERS,
    left: known || policy === 'keep' ? LEFT : undefined,
    policy,
    at: safeWatermark(teller),
    // The first list may find rows of patients who left before anybody listed them.
    changed: left > 0 || !known,
    returned: returned > 0 && history !== undefined ? { patients: joinedIn(run), types: history.types } : undefined,
  }
}

/** Who is in the Group now, and what that changes. */
async function takeList(
  context: RunContext,
  session: Session,
  teller: ExportRecord,
  lines: readonly FileRecord[],
): Promise<MemberChanges> {
  const { source, run, lake } = context
  const paths = lines.map((file) => lake.path(file.raw_path!))
  const changes = await recordMembers(session, run, source.name, groupKey(source), paths)
  const told = [['JOINED', changes.joined] as const, ['LEFT', changes.left] as const]
  for (const [code, count] of changes.known ? told.filter(([, many]) => many > 0) : []) {
    await recordFinding(session, run, { export: teller.export, file: null, type: null, code, count })
    context.tell({ kind: 'finding', code, count, type: undefined })
  }
  return changes
}

/**
 * A Group that lost all its patients at once is less likely than a server that no longer knows it: the reference server
 * takes the request all the same, and has nothing. Nobody has left for that, nothing is deleted, and the types are held.
 * Where the rows of leavers stay, a whole export that lacks something is held too, until it is known whose it is.
 */
export function holdWithoutMembers(
  { level, groupChanges }: Source,
  exports: readonly ExportRecord[],
  files: readonly FileRecord[],
  leavers: Leavers | undefined,
): Map<string, string> {
  if (level.kind !== 'group') return new Map()
  const teller = tellerOf(exports)
  const lines = memberFiles(files.filter((file) => file.export === teller?.export))
  const isKnown = teller === undefined || lines === undefined || lines.some((file) => file.resources)
  const loads = exports.filter((record) => record.purpose === 'load')
  if (!isKnown) return heldTypes(loads, 'the server names no member of the Group at all')
  const mustStay = leavers === undefined && groupChanges.leavers === 'keep'
  return heldTypes(mustStay ? loads.filter((record) => record.whole) : [], 'who has left the Group is not known')
}

function heldTypes(exports: readonly ExportRecord[], why: string): Map<string, string> {
  return new Map(exports.flatMap((record) => record.types.map((type) => [type, why] as const)))
}

/** The export whose Patient lines are the Group's members. */
function tellerOf(exports: readonly ExportRecord[]): ExportRecord | undefined {
  return (
    exports.find((record) => record.purpose === 'members') ??
    exports.find((record) => record.whole && tellsMembers(record.types, record.request))
  )
}

/** The files that list patients, of an export's; undefined when one of them is not whole. */
export function memberFiles(files: readonly FileRecord[]): FileRecord[] | undefined {
  const lines = files.filter(
    ({ kind, type, state }) => kind === 'output' && state !== 'skipped' && (type === null || type === 'Patient'),
  )
  return lines.every((file) => file.state === 'landed' && !file.damaged) ? lines : undefined
}
