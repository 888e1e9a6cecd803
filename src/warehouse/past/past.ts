/** The tables as they were after a past commit, made from the raw log by the definitions that were in force then. */
import { StokerError } from '../../core/errors.ts'
import { sqlName } from '../../core/sql.ts'
import type { Session } from '../../store/session.ts'
import type { PastView } from '../tables/definitions.ts'
import { tablePlaces } from '../tables/places.ts'
import type { Lake } from '../lake.ts'
import { earliestWholeCommit } from './forget.ts'
import { rawLines } from '../raw-lines.ts'
import { tableColumns } from '../tables/view.ts'

/** The rows of the tables stood as a committed run left them until the next commit, of whichever source. */
export interface PastCommit {
  readonly run: number
  readonly source: string
  readonly commit: number
  readonly committedAt: Date
  /** Purges since: what they took is in no past state either. */
  readonly purgesSince: number
  /** The instant that was asked for, after the commit: a view may have changed in between. */
  readonly asked?: Date | undefined
}

/**
 * The commit that `when` names: the number of a run, or an instant, which means the last commit by then. A date alone is
 * the end of that day, UTC.
 * @throws StokerError PAST_UNKNOWN when there is none, PAST_FORGOTTEN when the raw log no longer reaches so far back
 */
export async function pastCommit(session: Session, when: string): Promise<PastCommit> {
  const commits = `SELECT run, source, commit_number AS commit, committed_at AS "committedAt",
      (SELECT count(*) FROM stoker.purge AS p WHERE p.asked_at > r.committed_at) AS "purgesSince"
    FROM stoker.run AS r WHERE commit_number IS NOT NULL`
  const isRun = /^\d+$/.test(when)
  const asked = isRun ? undefined : instantOf(when)
  const found = isRun
    ? await session.first<PastCommit>(`${commits} AND run = $1`, [Number(when)])
    : await session.first<PastCommit>(
        `${commits} AND committed_at <= $1::TIMESTAMPTZ ORDER BY commit_number DESC LIMIT 1`,
        [asked!.toISOString()],
      )
  if (found !== undefined) {
    await refuseForgotten(session, found)
    return { ...found, asked }
  }
  const what = isRun ? `run ${when} was never committed` : `nothing was committed by ${asked!.toISOString()}`
  throw new StokerError('PAST_UNKNOWN', what, { hint: 'stoker runs lists the runs and when they were committed' })
}

/** What the raw log let go of can't be told any more. */
async function refuseForgotten(session: Session, { run, commit }: PastCommit): Promise<void> {
  const earliest = await earliestWholeCommit(session)
  if (commit >= earliest) return
  const first = await session.first<{ run: number }>('SELECT run FROM stoker.run WHERE commit_number = $1', [earliest])
  throw new StokerError('PAST_FORGOTTEN', `the raw log no longer has all that run ${run} left`, {
    hint: `the earliest run whose tables can be made is ${first?.run ?? 'the newest'}; rawLog.keep in the configuration says how far back`,
  })
}

/** FHIR's instant or date; a time without a zone could be any. */
export function instantOf(text: string): Date {
  const day = /^\d{4}-\d{2}-\d{2}$/.test(text)
  const isInstant = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/.test(text)
  const instant = day ? Date.parse(`${text}T00:00:00Z`) + 86_400_000 - 1 : Date.parse(text)
  if ((day || isInstant) && !Number.isNaN(instant)) return new Date(instant)
  throw new StokerError('USAGE_PAST', `${JSON.stringify(text)} is neither a run's number nor an instant`, {
    hint: 'write it like 12, 2026-11-21 (the end of that day, UTC) or 2026-11-21T14:30:00Z',
  })
}

/**
 * Makes the temporary table `_past`: the view's rows as of the commit, in no order. It is dropped by the next call.
 * Over a relation of its own the raw log is read some files at a time, whatever their number.
 */
export async function makePastTable(
  session: Session,
  lake: Lake,
  view: PastView,
  { commit }: PastCommit,
): Promise<void> {
  const columns = tableColumns(view).map(({ name, type }) => `${sqlName(name)} ${type}`)
  await session.run(`CREATE OR REPLACE TEMP TABLE _past (${columns.join(', ')})`)
  for (const lines of await rawLines(session, lake, tablePlaces(view.resource, view.keepsDeleted ?? false, commit))) {
    await session.run(`INSERT INTO temp._past ${view.rows(lines)}`)
  }
}
