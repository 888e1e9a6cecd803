/** The lake folder: where each thing lies. */
import { join } from 'node:path'

/**
 * ```
 * warehouse.duckdb            ledger, resource index, view tables: the worker's alone
 * worker.json                 who holds it, while somebody does
 * http.json                   where its worker answers, and the token, while it runs
 * raw/SOURCE/RUN/FILE.parquet the raw log (and FILE.rejects.ndjson)
 * raw/SOURCE/packed/N.parquet lines of several files, once compacted
 * staging/RUN/FILE.ndjson     files of a run under way
 * snapshots/000007/TABLE/     Parquet of a snapshot, its catalog.duckdb and manifest.json
 * catalog.duckdb              the newest snapshot's catalog: what readers open
 * readers/PID-….json          which process reads which snapshot
 * reports/                    what reports of runs need to remember, and those still to be delivered
 * temp/                       what is spilled, a folder a process
 * ```
 */
export class Lake {
  readonly root: string

  constructor(root: string) {
    this.root = root
  }

  get database(): string {
    return join(this.root, 'warehouse.duckdb')
  }
  get catalog(): string {
    return join(this.root, 'catalog.duckdb')
  }
  get snapshots(): string {
    return join(this.root, 'snapshots')
  }
  get readers(): string {
    return join(this.root, 'readers')
  }
  get reports(): string {
    return join(this.root, 'reports')
  }
  snapshot(number: number): string {
    return join(this.snapshots, String(number).padStart(6, '0'))
  }
  staging(run: number): string {
    return join(this.root, 'staging', String(run))
  }
  staged(run: number, file: number): string {
    return join(this.staging(run), `${file}.ndjson`)
  }
  rawRun(source: string, run: number): string {
    return join(this.root, 'raw', source, String(run))
  }
  /** Relative to the lake, as the ledger has it: a lake may be moved or mounted elsewhere. */
  raw(source: string, run: number, file: number): string {
    return join('raw', source, String(run), `${file}.parquet`)
  }
  path(relative: string): string {
    return join(this.root, relative)
  }
}
