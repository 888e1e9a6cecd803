/** The part of the ledger that goes with every snapshot, so that a reader can follow a row to its file and run. */

export interface LineageTable {
  readonly name: string
  readonly description: string
  readonly sql: string
}

/** URLs come without their query: it may hold a signature. */
export const LINEAGE_TABLES: readonly LineageTable[] = [
  {
    name: 'run',
    description: 'One row per run up to the one that published this snapshot: what _run of every row refers to.',
    sql: 'SELECT * FROM stoker.run ORDER BY run',
  },
  {
    name: 'file',
    description: 'One row per file of a committed run: what _file of every row refers to.',
    sql: `SELECT f.file, f.run, r.source, f.kind, f.type, split_part(f.url, '?', 1) AS url, split_part(e.request_url, '#', 1) AS request_url,
        e.since, e.transaction_time, f.state, f.claimed, f.bytes, f.lines, f.blanks, f.resources, f.rejects, f.sha256, f.note
      FROM stoker.file AS f JOIN stoker.export AS e USING (export) JOIN stoker.run AS r ON r.run = f.run
      WHERE r.committed_at IS NOT NULL ORDER BY f.file`,
  },
  {
    name: 'run_type',
    description: 'One row per run and type: what was received and what it changed.',
    sql: 'SELECT * FROM stoker.run_type ORDER BY run, type',
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
    name: 'watermark',
    description: 'One row per source and type: up to which transactionTime its rows are in.',
    sql: 'SELECT * FROM stoker.watermark ORDER BY source, type',
  },
  {
    name: 'resource_count',
    description: 'One row per source and type: resources held, and deletions known.',
    sql: 'SELECT * FROM stoker.resource_count ORDER BY source, type',
  },
]
