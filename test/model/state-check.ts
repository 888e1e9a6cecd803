/** The resource index against the model's state, where equality is due. */
import type { Session } from '../../src/store/session.ts'
import type { Habits } from './habits.ts'
import type { ModelServer } from './model-server.ts'
import { differences } from './past.ts'
import { instantRead } from './resource-text.ts'
import { patientOf } from './served-state.ts'

export async function indexDiffers(session: Session, server: ModelServer, habits: Habits): Promise<string[]> {
  const rows = await session.rows<{ type: string; id: string; version: number | null; last_updated: Date | null }>(
    'SELECT type, id, version, last_updated FROM stoker.resource WHERE deleted_by IS NULL',
  )
  const { state, nowMs } = server
  const members = habits.group === undefined ? undefined : state.membersAsOf(nowMs)
  const wanted = state.alive(nowMs).filter((each) => members?.has(patientOf(each)) ?? true)
  const hasInstant = ['both', 'instant', 'text-version'].includes(habits.meta)
  const hasNumber = ['both', 'number'].includes(habits.meta)
  const text = (type: string, id: string, version: number | null, atMs: number | undefined) =>
    [
      `${type}/${id}`,
      ...(version === null ? [] : [`version ${version}`]),
      ...(atMs === undefined ? [] : [`of ${atMs}`]),
    ].join(' ')
  return differences(
    'the index',
    rows.map((row) => text(row.type, row.id, row.version, row.last_updated?.getTime())),
    wanted.map((each) =>
      text(
        each.type,
        each.id,
        hasNumber ? each.version : null,
        hasInstant ? instantRead(each.atMs, habits) : undefined,
      ),
    ),
  )
}
