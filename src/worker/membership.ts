/** Who is in the exported Group, as this run saw it, and who left. */
import type { ExportRecord } from '../ledger/exports.ts'
import type { FileRecord } from '../ledger/files.ts'
import { recordFinding } from '../ledger/findings.ts'
import { LEAVERS, recordMembers } from '../ledger/members.ts'
import type { Session } from '../store/session.ts'
import type { Leavers } from '../warehouse/leavers.ts'
import type { RunContext } from './context.ts'
import { safeWatermark } from './holdings.ts'
import { tellsMembers } from './plan.ts'

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
): Promise<Leavers | undefined> {
  const { source, run, lake } = context
  if (source.level.kind !== 'group') return undefined
  const teller =
    exports.find((record) => record.purpose === 'members') ??
    exports.find((record) => record.whole && tellsMembers(record.types, record.request))
  if (teller === undefined || teller.transaction_time === null) return undefined
  const lines = files.filter(
    (file) =>
      file.export === teller.export && file.kind === 'output' && (file.type === null || file.type === 'Patient'),
  )
  const histories = exports.filter((record) => record.purpose === 'newcomers')
  const isWhole =
    !heldOf([teller]).has('Patient') && heldOf(histories).size === 0 && lines.every((file) => !file.rejects)
  if (!isWhole) return undefined
  if (teller.purpose === 'members' && lines.every((file) => !file.resources)) {
    // A Group that lost all its patients at once is less likely than a server that did not list them.
    context.tell({ kind: 'note', text: 'the server listed no member of the Group at all: nobody is held to have left' })
    return undefined
  }
  const { known, joined, left } = await recordMembers(
    session,
    run,
    source.name,
    lines.flatMap((file) => (file.raw_path === null ? [] : [lake.path(file.raw_path)])),
  )
  if (known) {
    const changes = [['JOINED', joined] as const, ['LEFT', left] as const].filter(([, count]) => count > 0)
    for (const [code, count] of changes) {
      await recordFinding(session, run, { export: teller.export, file: null, type: null, code, count })
      context.tell({ kind: 'finding', code, count, type: undefined })
    }
  }
  return { relation: LEAVERS, policy: source.groupChanges.leavers, at: safeWatermark(teller) }
}
