/** Sources as they stand: what the worker does with each, how old its data is, and its last run. */
import { sqlText } from '../core/sql.ts'
import { runLines, type Ask, type RunLine } from '../ledger/run-details.ts'
import type { SourceState } from '../service/control.ts'
import type { HttpDeps } from './deps.ts'

export interface SourceLine extends SourceState {
  /** The oldest of its types' watermarks: of no type is anything newer missing. Null before the first run. */
  readonly dataAsOf: Date | null
  readonly freshnessSeconds: number | null
  /** Types whose rows are in. */
  readonly types: number
  readonly lastRun: RunLine | null
}

export interface WatermarkLine {
  readonly source: string
  readonly type: string
  /** The server's state up to which its rows are in. */
  readonly transaction_time: Date
  readonly run: number
  readonly freshness_seconds: number
}

/** In the order of the configuration. */
export async function sourceLines({ control, ask, clock }: HttpDeps): Promise<SourceLine[]> {
  const sources = control.sources()
  const marks = await watermarkLines(ask, clock.now())
  const last = await runLines(ask, { newestOnly: true })
  return sources.map((state) => {
    const own = marks.filter(({ source }) => source === state.name)
    const oldest = own.reduce<WatermarkLine | undefined>(
      (found, each) => (found === undefined || each.transaction_time < found.transaction_time ? each : found),
      undefined,
    )
    return {
      ...state,
      dataAsOf: oldest?.transaction_time ?? null,
      freshnessSeconds: oldest?.freshness_seconds ?? null,
      types: own.length,
      lastRun: last.find(({ source }) => source === state.name) ?? null,
    }
  })
}

/** Of the sources of the lake, be they configured or not. By source and type. */
export async function watermarkLines(ask: Ask, now: Date, source?: string): Promise<WatermarkLine[]> {
  const only = source === undefined ? '' : `WHERE source = ${sqlText(source)}`
  const rows = await ask<Omit<WatermarkLine, 'freshness_seconds'>>(
    `SELECT source, type, transaction_time, run FROM stoker.watermark ${only} ORDER BY source, type`,
  )
  return rows.map((row) => ({
    ...row,
    freshness_seconds: Math.max(0, (now.getTime() - row.transaction_time.getTime()) / 1000),
  }))
}
