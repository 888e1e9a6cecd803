/** The part of the ledger that goes with every snapshot, so that a reader can follow a row to its file and run. */

export interface LineageTable {
  readonly name: string
  readonly description: string
  readonly sql: string
}

/** What was asked, parameters and all; of a published manifest, which has no job, not what may be a signature. */
const REQUEST_URL = `CASE WHEN e.status_url IS NULL THEN split_part(e.request_url, '?', 1) ELSE split_part(e.request_url, '#', 1) END`

/** URLs of files come without their query: it may hold a signature. */
export const LINEAGE_TABLES: readonly LineageTable[] = [
  {
    name: 'run',
    description: 'One row per run up to the one that published this snapshot: what _run of every row refers to.',
    sql: 'SELECT * FROM stoker.run ORDER BY run',
  },
  {
    name: 'file',
    description: 'One row per file of a committed run: what _file of every row refers to.',
    sql: `SELECT f.file, f.run, r.source, f.kind, f.type, split_part(f.url, '?', 1) AS url, ${REQUEST_URL} AS request_url,
        e.since, e.transaction_time, f.state, f.claimed, f.bytes, f.lines, f.blanks, f.resources, f.rejects, f.sha256, f.note,
        f.export, f.ordinal, f.tries, f.headers
      FROM stoker.file AS f JOIN stoker.export AS e USING (export) JOIN stoker.run AS r ON r.run = f.run
      WHERE r.committed_at IS NOT NULL ORDER BY f.file`,
  },
  {
    name: 'export',
    description: 'One row per job of a server, of committed runs: what was asked, when, and when it was ready.',
    sql: `SELECT e.export, e.run, e.purpose, e.types, e.since, e.whole, e.state, ${REQUEST_URL} AS request_url,
        e.requested_at, e.ready_at, e.transaction_time
      FROM stoker.export AS e JOIN stoker.run AS r USING (run) WHERE r.committed_at IS NOT NULL ORDER BY e.export`,
  },
  {
    name: 'run_phase',
    description: 'When runs were in which phase. No end: it was interrupted, or not over when this was published.',
    sql: 'SELECT * FROM stoker.run_phase ORDER BY run, started_at, phase',
  },
  {
    name: 'run_type',
    description: 'One row per run and type: what was received and what it changed.',
    sql: 'SELECT * FROM stoker.run_type ORDER BY run, type',
  },
  {
    name: 'run_view',
    description: 'One row per run and view table: rows it removed and added, and the rows there were afterwards.',
    sql: 'SELECT * FROM stoker.run_view ORDER BY run, view_table',
  },
  {
    name: 'reject_count',
    description:
      'Lines of committed runs that are no usable resource, by file and reason, with the place of the first.',
    sql: 'SELECT c.* FROM stoker.reject_count AS c JOIN stoker.run AS r USING (run) WHERE r.committed_at IS NOT NULL ORDER BY ALL',
  },
  {
    name: 'run_loss',
    description: 'Values that are not in a view table because they were not what its column wants, by run and column.',
    sql: 'SELECT * FROM stoker.run_loss ORDER BY ALL',
  },
  {
    name: 'message',
    description: 'What servers said in the error files of committed runs, counted by severity and code.',
    sql: 'SELECT m.* FROM stoker.message AS m JOIN stoker.run AS r USING (run) WHERE r.committed_at IS NOT NULL ORDER BY ALL',
  },
  {
    name: 'finding',
    description: 'Where what came in committed runs was not what was asked or announced, counted.',
    sql: 'SELECT f.* FROM stoker.finding AS f JOIN stoker.run AS r USING (run) WHERE r.committed_at IS NOT NULL ORDER BY ALL',
  },
  {
    name: 'view_table',
    description: 'One row per view table: the resource type it is made of, and the hash of its definition.',
    sql: 'SELECT name, resource, hash FROM stoker.view_table ORDER BY name',
  },
  {
    name: 'snapshot',
    description: 'Snapshots that were published before this one, each with the run that did it.',
    sql: 'SELECT snapshot, run, published_at FROM stoker.snapshot ORDER BY snapshot',
  },
  {
    name: 'watermark',
    description: 'One row per source and type: up to which transactionTime its rows are in.',
    sql: 'SELECT * FROM stoker.watermark ORDER BY source, type',
  },
  {
    name: 'resource_count',
    description: 'One row per source and type: resources held, and deletions known.',
    sql: 'SELECT * FROM stoker.resource_count ORDER BY source, type',
  },
  {
    name: 'cohort_run',
    description:
      'Cohorts over the snapshots before this one: how many patients were in, entered and left. Who they are is in no snapshot, nor what may name one: parameters and texts of errors are left out.',
    sql: 'SELECT * REPLACE (NULL::JSON AS parameters, NULL::VARCHAR AS error) FROM stoker.cohort_run ORDER BY cohort, snapshot, ran_at',
  },
]
