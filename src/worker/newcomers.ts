/** Patients who joined an exported Group since the last run: their history is asked for too. */
import { batches } from '../core/batches.ts'
import { exportsOf, makeWhole, planExports, type ExportRecord } from '../ledger/exports.ts'
import { filesOfExport } from '../ledger/files.ts'
import { newcomersIn } from '../ledger/members.ts'
import type { RunContext } from './context.ts'
import { groupKey } from './filter.ts'
import { memberFiles } from './membership.ts'
import { newcomersExport } from './plan.ts'

/**
 * Once the list of members has landed. Where the server can, it is asked for the newcomers alone; else the export of what
 * changed is made a whole one, before it is asked for. Doing it twice plans nothing twice.
 */
export async function planNewcomers(context: RunContext, members: ExportRecord): Promise<void> {
  const { database, ledger, lake, run, source } = context
  if (source.groupChanges.newcomers === 'included') return
  const planned = await exportsOf(ledger, run)
  const changes = planned.find((record) => record.purpose === 'load' && !record.whole)
  if (changes === undefined || planned.some((record) => record.purpose === 'newcomers')) return
  const listed = memberFiles(await filesOfExport(ledger, members.export))
  if (listed === undefined) {
    context.tell({ kind: 'note', text: 'who is in the Group could not be read whole: newcomers wait for the next run' })
    return
  }
  const paths = listed.map((file) => lake.path(file.raw_path!))
  const joined = await newcomersIn(ledger, source.name, groupKey(source), paths)
  if (joined.length === 0) return
  if (source.groupChanges.newcomers === 'patient') {
    const asked = batches(joined, PATIENTS_MAX).map((patients) =>
      newcomersExport(changes, patients, source.since.firstLoad),
    )
    await database.transaction((session) => planExports(session, run, asked))
  } else {
    await makeWhole(ledger, changes.export, source.since.firstLoad)
  }
}

/** Of one request; its body names every one of them, and servers take no body of any size. */
const PATIENTS_MAX = 1_000
