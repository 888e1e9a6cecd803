/** What the ledger knows of each source, for the first page. */
import { formerSources } from '../../app/former-sources.ts'
import { lakeSources } from '../../ledger/lake-sources.ts'
import { overview, type Remark, type TypeOverview } from '../../ledger/overview.ts'
import type { Ask } from '../../ledger/run-details.ts'
import type { RunRecord } from '../../ledger/runs.ts'
import type { SourceState } from '../../service/control.ts'

export interface SourceGlance {
  readonly name: string
  /** Undefined: it is not in the configuration any more. */
  readonly state: SourceState | undefined
  /** What its newest data is as of; undefined before anything was committed. */
  readonly newest: Date | undefined
  readonly types: readonly TypeOverview[]
  /** Of its last committed run. */
  readonly remarks: readonly Remark[]
  readonly held: readonly Remark[]
  /** The newest, be it over or not. */
  readonly lastRun: RunRecord | undefined
  readonly failure: SourceFailure | undefined
  /** How long its last committed run took, in milliseconds. */
  readonly tookMs: number | undefined
}

/** How its last run failed. */
export interface SourceFailure {
  readonly at: Date
  readonly run: number | undefined
  readonly code: string
  readonly message: string
  readonly hint: string | undefined
  /** So many in a row, as far as this worker knows. */
  readonly times: number
}

const TOOK_SQL = `SELECT source, arg_max(date_diff('millisecond', started_at, committed_at), run)::BIGINT AS ms
  FROM stoker.run WHERE committed_at IS NOT NULL GROUP BY source`

/** Those of the configuration in its order, and after them those that only the lake knows. */
export async function sourceGlances(ask: Ask, states: readonly SourceState[]): Promise<SourceGlance[]> {
  const { types, remarks, runs } = await overview(ask)
  const tooks = await ask<{ source: string; ms: number }>(TOOK_SQL)
  const configured = states.map(({ name }) => name)
  const former = formerSources(await lakeSources(ask), configured)
  return [...configured, ...former].map((name) => {
    const ofIt = types.filter(({ source }) => source === name)
    const times = ofIt.flatMap(({ watermark }) => (watermark === null ? [] : [watermark.getTime()]))
    const about = remarks.filter(({ source }) => source === name)
    const state = states.find((each) => each.name === name)
    const lastRun = runs.find(({ source }) => source === name)
    return {
      name,
      state,
      newest: times.length === 0 ? undefined : new Date(Math.max(...times)),
      types: ofIt,
      remarks: about,
      held: about.filter(({ kind }) => kind === 'held'),
      lastRun,
      failure: failureOf(state, lastRun),
      tookMs: tooks.find(({ source }) => source === name)?.ms,
    }
  })
}

/** The worker knows of failures since its own start; of those before, the ledger does. What an operator ended is none. */
function failureOf(state: SourceState | undefined, run: RunRecord | undefined): SourceFailure | undefined {
  if (state === undefined) return undefined
  if (state.error !== undefined) return { ...state.error, times: state.failures }
  if (run === undefined || run.error_code === null || run.error_code === 'CANCELLED' || run.state === 'done')
    return undefined
  return {
    at: run.ended_at ?? run.started_at,
    run: run.run,
    code: run.error_code,
    message: run.error_message ?? '',
    hint: run.error_hint ?? undefined,
    times: 1,
  }
}
