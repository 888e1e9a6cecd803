/** After a run: the raw log is compacted where that is worth it. */
import { isAbort, StokerError } from '../core/errors.ts'
import { foreseen } from '../core/system-error.ts'
import { compactSource } from '../warehouse/upkeep/compact.ts'
import type { RunContext } from './context.ts'

/** Call it when the run is done. Its rows are safe: what stops the upkeep is worth a note, and the next run tries again. */
export async function keepUp(context: RunContext): Promise<void> {
  const { database, lake, source, keeping, disk, clock, signal } = context
  try {
    const input = {
      database,
      lake,
      source: source.name,
      keeping,
      disk,
      now: clock.now(),
      how: 'worth' as const,
      signal,
    }
    const done = await compactSource(input)
    if (done === undefined) return
    const lines = done.repeated + done.superseded
    const gone = lines === 0 ? '' : `, without ${lines.toLocaleString('en-US')} lines that nothing needs`
    context.tell({
      kind: 'note',
      text: `raw log compacted: ${done.filesBefore.toLocaleString('en-US')} files are ${done.filesAfter.toLocaleString('en-US')} now${gone}`,
    })
  } catch (error) {
    const known = foreseen(error)
    if (isAbort(error) || signal.aborted) return
    if (!(known instanceof StokerError)) throw known
    context.tell({ kind: 'note', text: `the raw log could not be compacted: ${known.record}` })
  }
}
