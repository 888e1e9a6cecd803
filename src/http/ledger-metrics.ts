/** Metrics that the ledger tells: counted anew at each look, so that a restart takes nothing from a counter. */
import { Counter, Gauge, type Registry } from 'prom-client'
import type { Ask } from '../ledger/run-details.ts'
import type { WatermarkLine } from './source-lines.ts'
import { watermarkLines } from './source-lines.ts'

type Labels = Readonly<Record<string, string>>
type Counted = { readonly value: number } & Readonly<Record<string, unknown>>

interface LedgerMetric {
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
  readonly kind: 'counter' | 'gauge'
  /** SELECT of a column for each label, and `value`. */
  readonly sql: string
  /** Labels beside the source that every source of the configuration has, be it with 0: else the first one is no rise. */
  readonly always?: readonly Labels[]
}

const RESULT = `CASE WHEN state = 'done' THEN 'succeeded' WHEN error_code = 'CANCELLED' THEN 'cancelled' ELSE 'failed' END`

const METRICS: readonly LedgerMetric[] = [
  {
    name: 'stoker_runs_total',
    help: 'Runs that are over, by result: succeeded, failed, cancelled.',
    labels: ['source', 'result'],
    kind: 'counter',
    sql: `SELECT source, ${RESULT} AS result, count(*) AS value FROM stoker.run
      WHERE state IN ('done', 'abandoned', 'failed') GROUP BY ALL`,
    always: [{ result: 'succeeded' }, { result: 'cancelled' }, { result: 'failed' }],
  },
  {
    name: 'stoker_last_success_timestamp_seconds',
    help: 'When the last run that succeeded had ended.',
    labels: ['source'],
    kind: 'gauge',
    sql: `SELECT source, epoch(max(ended_at)) AS value FROM stoker.run WHERE state = 'done' GROUP BY ALL`,
  },
  {
    name: 'stoker_phase_seconds_total',
    help: 'Time that runs were in a phase; phases overlap.',
    labels: ['source', 'phase'],
    kind: 'counter',
    sql: `SELECT source, phase, sum(date_diff('millisecond', p.started_at, p.ended_at)) / 1000 AS value
      FROM stoker.run_phase AS p JOIN stoker.run USING (run) WHERE p.ended_at IS NOT NULL GROUP BY ALL`,
  },
  {
    name: 'stoker_last_run_phase_seconds',
    help: 'Time that the last run that succeeded was in a phase.',
    labels: ['source', 'phase'],
    kind: 'gauge',
    sql: `SELECT source, phase, sum(date_diff('millisecond', p.started_at, p.ended_at)) / 1000 AS value
      FROM stoker.run_phase AS p
      JOIN (SELECT source, max(run) AS run FROM stoker.run WHERE state = 'done' GROUP BY source) USING (run)
      WHERE p.ended_at IS NOT NULL GROUP BY ALL`,
  },
  {
    name: 'stoker_received_bytes_total',
    help: 'Bytes of files that landed in the raw log, after decompression.',
    labels: ['source'],
    kind: 'counter',
    sql: `SELECT source, sum(bytes)::DOUBLE AS value FROM stoker.file JOIN stoker.run USING (run)
      WHERE stoker.file.state = 'landed' GROUP BY ALL`,
  },
  {
    name: 'stoker_files_total',
    help: 'Files of manifests, by how they ended: landed, failed, skipped.',
    labels: ['source', 'state'],
    kind: 'counter',
    sql: `SELECT source, f.state, count(*) AS value FROM stoker.file AS f JOIN stoker.run USING (run)
      WHERE f.state IN ('landed', 'failed', 'skipped') GROUP BY ALL`,
  },
  {
    name: 'stoker_rejects_total',
    help: 'Lines that are no usable resource.',
    labels: ['source', 'reason'],
    kind: 'counter',
    sql: `SELECT source, reason, sum(count)::DOUBLE AS value FROM stoker.reject_count JOIN stoker.run USING (run) GROUP BY ALL`,
  },
  {
    name: 'stoker_resources_total',
    help: 'What committed runs did with resources: inserted, updated, deleted, unchanged, superseded.',
    labels: ['source', 'type', 'change'],
    kind: 'counter',
    sql: `UNPIVOT (SELECT source, type, sum(inserted)::DOUBLE AS inserted, sum(updated)::DOUBLE AS updated,
        sum(deleted)::DOUBLE AS deleted, sum(unchanged)::DOUBLE AS unchanged, sum(superseded)::DOUBLE AS superseded
        FROM stoker.run_type JOIN stoker.run USING (run) GROUP BY ALL)
      ON inserted, updated, deleted, unchanged, superseded INTO NAME change VALUE value`,
  },
  {
    name: 'stoker_held_types',
    help: 'Types whose watermark the last committed run held back.',
    labels: ['source'],
    kind: 'gauge',
    sql: `SELECT source, count(held) AS value FROM stoker.run_type JOIN (SELECT source, max(run) AS run FROM stoker.run
      WHERE committed_at IS NOT NULL GROUP BY source) USING (run) GROUP BY ALL`,
  },
  {
    name: 'stoker_server_messages_total',
    help: 'What servers said in error files.',
    labels: ['source', 'severity'],
    kind: 'counter',
    sql: `SELECT source, coalesce(severity, 'unknown') AS severity, sum(count)::DOUBLE AS value
      FROM stoker.message JOIN stoker.run USING (run) GROUP BY ALL`,
  },
  {
    name: 'stoker_table_rows',
    help: 'Rows of a view table in the newest snapshot.',
    labels: ['table'],
    kind: 'gauge',
    sql: `SELECT name AS table, rows AS value FROM stoker.snapshot_table
      WHERE snapshot = (SELECT max(snapshot) FROM stoker.snapshot)`,
  },
  {
    name: 'stoker_snapshot_number',
    help: 'The newest snapshot.',
    labels: [],
    kind: 'gauge',
    sql: 'SELECT coalesce(max(snapshot), 0) AS value FROM stoker.snapshot',
  },
  {
    name: 'stoker_snapshot_timestamp_seconds',
    help: 'When the newest snapshot was published.',
    labels: [],
    kind: 'gauge',
    sql: 'SELECT epoch(max(published_at)) AS value FROM stoker.snapshot HAVING count(*) > 0',
  },
]

/** Fills the registry's ledger metrics anew at each look. */
export class LedgerMetrics {
  private readonly ask: Ask
  private readonly metrics: readonly (readonly [LedgerMetric, Counter | Gauge])[]
  private readonly freshness: Gauge
  private readonly watermark: Gauge

  constructor(ask: Ask, registry: Registry) {
    const registers = [registry]
    this.ask = ask
    this.metrics = METRICS.map((metric) => {
      const { name, help, labels, kind } = metric
      const options = { name, help, labelNames: [...labels], registers }
      return [metric, kind === 'counter' ? new Counter(options) : new Gauge(options)] as const
    })
    const labelNames = ['source', 'type']
    this.freshness = new Gauge({
      name: 'stoker_freshness_seconds',
      help: "How old the newest data of a type is: since the server's state that is in.",
      labelNames,
      registers,
    })
    this.watermark = new Gauge({
      name: 'stoker_watermark_timestamp_seconds',
      help: "The server's state that is in: transactionTime of the last export whose rows are committed.",
      labelNames,
      registers,
    })
  }

  /** @param sources of the configuration */
  async look(now: Date, sources: readonly string[]): Promise<void> {
    const marks = await watermarkLines(this.ask, now)
    const counted = await Promise.all(this.metrics.map(([{ sql }]) => this.ask<Counted>(sql)))
    // All at once, without a turn between: nobody sees a counter that has been emptied and not filled.
    this.freshness.reset()
    this.watermark.reset()
    for (const mark of marks) this.setMark(mark)
    this.metrics.forEach(([{ labels, always = [] }, metric], i) => {
      metric.reset()
      for (const each of always) for (const source of sources) fill(metric, { source, ...each }, 0)
      for (const row of counted[i]!) fill(metric, labelsOf(row, labels), row.value)
    })
  }

  private setMark({ source, type, transaction_time, freshness_seconds }: WatermarkLine): void {
    this.freshness.set({ source, type }, freshness_seconds)
    this.watermark.set({ source, type }, transaction_time.getTime() / 1000)
  }
}

function fill(metric: Counter | Gauge, labels: Labels, value: number): void {
  if (metric instanceof Counter) metric.inc(labels, value)
  else metric.set(labels, value)
}

function labelsOf(row: Counted, names: readonly string[]): Labels {
  return Object.fromEntries(names.map((name) => [name, String(row[name])]))
}
