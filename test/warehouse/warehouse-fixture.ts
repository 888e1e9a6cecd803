/** A warehouse in a temporary folder, fed with files made on the spot, and one view written by hand. */
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { land } from '../../src/landing/land.ts'
import { stage } from '../../src/landing/stage.ts'
import { ledgerMigrations } from '../../src/ledger/schema.ts'
import { Database } from '../../src/store/database.ts'
import { migrate } from '../../src/store/migrate.ts'
import { Lake } from '../../src/warehouse/lake.ts'
import type { Leavers } from '../../src/warehouse/merge/leavers.ts'
import { merge, type Merged } from '../../src/warehouse/merge/merge.ts'
import type { LandedFile } from '../../src/warehouse/merge/received.ts'
import { warehouseMigrations } from '../../src/warehouse/schema.ts'
import type { WholeTypes } from '../../src/warehouse/merge/tombstones.ts'
import { alignViewTables } from '../../src/warehouse/tables/view-tables.ts'
import type { View } from '../../src/warehouse/tables/view.ts'

/** One row per name of a Patient. */
export const nameView: View = {
  name: 'patient_name',
  resource: 'Patient',
  hash: 'h1',
  columns: [{ name: 'family', type: 'VARCHAR' }],
  sql({ from, json, carry, lossSequence }) {
    const noted = `CASE WHEN ${isLost(json)} THEN nextval('${lossSequence}') > 0 ELSE true END`
    return `SELECT ${carry.join(', ')}, n.family FROM (
      SELECT ${carry.join(', ')}, unnest(from_json(${json}, '{"name":[{"family":"VARCHAR"}]}').name) AS n FROM ${from}
      WHERE ${lossSequence === undefined ? 'true' : noted})`
  },
  lossSql: ({ from, json }) =>
    `SELECT 'family' AS "column", NULL AS element, 'text' AS wanted, count(*) AS "values" FROM ${from}
     WHERE ${isLost(json)} HAVING count(*) > 0`,
}

function isLost(json: string): string {
  return `json_type(${json}, '$.name[0].family') = 'OBJECT'`
}

export interface FixtureFile {
  readonly lines: readonly object[]
  /** Stands after the lines, as it is. */
  readonly text?: string
  readonly kind?: 'output' | 'deleted'
}

export interface FixtureExport {
  readonly exportedAt: string
  readonly files: readonly FixtureFile[]
  /** Types it tells wholly. */
  readonly whole?: readonly string[]
  readonly elementsAsked?: boolean
  readonly since?: string
  /** Those it was asked for; all without. */
  readonly types?: readonly string[]
  /** Types of which something may be missing. */
  readonly held?: readonly string[]
}

export class WarehouseFixture {
  readonly lake: Lake
  readonly database: Database
  readonly views: View[] = [nameView]
  private run = 0
  private file = 0

  private constructor(lake: Lake, database: Database) {
    this.lake = lake
    this.database = database
  }

  static async make(): Promise<WarehouseFixture> {
    const lake = new Lake(await mkdtemp(join(tmpdir(), 'stoker-warehouse-')))
    const database = await Database.open({ path: lake.database, memoryLimitBytes: 512 << 20 })
    await migrate(database, [...ledgerMigrations, ...warehouseMigrations])
    const fixture = new WarehouseFixture(lake, database)
    await fixture.align()
    return fixture
  }

  /** The same in a folder of its own, of one whose database is closed. */
  async copy(): Promise<WarehouseFixture> {
    const lake = new Lake(await mkdtemp(join(tmpdir(), 'stoker-warehouse-')))
    await cp(this.lake.root, lake.root, { recursive: true })
    const database = await Database.open({ path: lake.database, memoryLimitBytes: 512 << 20 })
    const fixture = new WarehouseFixture(lake, database)
    fixture.views.splice(0, 1, ...this.views)
    return Object.assign(fixture, { run: this.run, file: this.file })
  }

  /** Makes the one view another, and its table by it. */
  async use(view: View) {
    this.views.splice(0, 1, view)
    return this.align()
  }

  async align(now = new Date(0)) {
    return this.database.transaction((session) => alignViewTables(session, this.lake, this.views, { now }))
  }

  /** One run of one export: lands the files, merges them. `whole`: the types the export tells wholly. */
  async load(
    exportedAt: string,
    files: readonly FixtureFile[],
    whole: readonly string[] = [],
    source = 's',
    leavers?: Leavers,
  ): Promise<Merged> {
    return this.loadRun([{ exportedAt, files, whole }], source, leavers)
  }

  async loadRun(exports: readonly FixtureExport[], source = 's', leavers?: Leavers): Promise<Merged> {
    const run = ++this.run
    const landed: LandedFile[] = []
    const wholeTypes: WholeTypes[] = []
    const types = ['Patient', 'Observation']
    for (const { exportedAt: text, files, whole = [], elementsAsked = false, since, types: asked } of exports) {
      const exportedAt = new Date(text)
      if (whole.length > 0) wholeTypes.push({ types: whole, exportedAt })
      for (const { lines, text = '', kind = 'output' } of files) {
        const { file, rawPath } = await this.land(run, source, types, kind, jsonLines(lines) + text)
        const of = {
          exportedAt,
          whole: whole.length > 0,
          elementsAsked,
          since: since ? new Date(since) : undefined,
          types: asked,
        }
        landed.push({ file, kind, rawPath, ...of })
      }
    }
    const held = new Set(exports.flatMap((each) => each.held ?? []))
    const shared = { lake: this.lake, views: this.views }
    const input = { ...shared, run, source, types, files: landed, held, whole: wholeTypes, leavers }
    return this.database.transaction(async (session) => {
      const merged = await merge(session, input)
      await session.run(
        `INSERT INTO stoker.run (run, source, mode, state, started_at, committed_at, commit_number, stoker_version)
         VALUES ($1, $2, 'full', 'done', now(), $3::TIMESTAMPTZ, nextval('stoker.commit_number'), 'test')`,
        [run, source, exports[0]!.exportedAt],
      )
      for (const { view_table, view_hash } of merged.views) {
        await session.run('INSERT INTO stoker.run_view VALUES ($1, $2, $3, 0, 0, 0)', [run, view_table, view_hash])
      }
      return merged
    })
  }

  private async land(run: number, source: string, types: readonly string[], kind: 'output' | 'deleted', text: string) {
    const file = ++this.file
    const stagedPath = this.lake.staged(run, file)
    const rawPath = this.lake.path(this.lake.raw(source, run, file))
    const raw = { source, run, file, kind, types, stagedPath, rawPath }
    const facts = await stage(Readable.from([Buffer.from(text)]), raw.stagedPath)
    await this.database.using(async (session) => {
      const { resources } = await land(session, raw, facts)
      await session.run(
        `INSERT INTO stoker.file (file, export, run, ordinal, kind, url, state, kept, raw_path)
         VALUES ($1, 1, $2, 0, $3, '', 'landed', $4, $5)`,
        [file, run, kind, resources, this.lake.raw(source, run, file)],
      )
    })
    return { file, rawPath }
  }

  /** Columns of the resource index, in the order of ids. */
  async index(columns: string, where = 'true'): Promise<object[]> {
    return this.database.using((session) =>
      session.rows(`SELECT ${columns} FROM stoker.resource WHERE ${where} ORDER BY id`),
    )
  }

  async families(): Promise<string[]> {
    return this.database.using(async (session) =>
      (
        await session.rows<{ text: string }>(
          `SELECT _resource_key || ' ' || coalesce(family, '-') AS text FROM patient_name ORDER BY text`,
        )
      ).map((row) => row.text.replace(/^s\/Patient\//, '')),
    )
  }

  async close(): Promise<void> {
    this.database.close()
    await rm(this.lake.root, { recursive: true })
  }
}

function jsonLines(lines: readonly object[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('')
}

export function patient(id: string, family: string | string[], lastUpdated?: string, version?: string): object {
  const meta = {
    ...(version === undefined ? {} : { versionId: version }),
    ...(lastUpdated === undefined ? {} : { lastUpdated }),
  }
  return {
    resourceType: 'Patient',
    id,
    ...(Object.keys(meta).length > 0 ? { meta } : {}),
    name: [family].flat().map((each) => ({ family: each })),
  }
}

export function deletions(...urls: string[]): object {
  return {
    resourceType: 'Bundle',
    type: 'transaction',
    entry: urls.map((url) => ({ request: { method: 'DELETE', url } })),
  }
}
