/** Cohorts over a warehouse of a test: a table of patients, one of observations, and definitions written on the spot. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCohorts, type CohortDeps, type CohortOutcome, type RunOptions } from '../../../src/analysis/cohort/run.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { publishSnapshot } from '../../../src/warehouse/snapshot/publish.ts'
import type { View } from '../../../src/warehouse/tables/view.ts'
import { observationView } from '../../warehouse/purge/purge-fixture.ts'
import { nameView, WarehouseFixture } from '../../warehouse/warehouse-fixture.ts'

/** One row a Patient, under the name that all views know. */
const patientView: View = { ...nameView, name: 'patient' }

export class CohortFixture {
  readonly warehouse: WarehouseFixture
  readonly folder: string

  private constructor(warehouse: WarehouseFixture, folder: string) {
    this.warehouse = warehouse
    this.folder = folder
  }

  /** @param hasPatients whether there is a table of patients */
  static async make(hasPatients = true): Promise<CohortFixture> {
    const warehouse = await WarehouseFixture.make()
    warehouse.views.splice(0, 1, ...(hasPatients ? [patientView] : []), observationView)
    await warehouse.align()
    return new CohortFixture(warehouse, await mkdtemp(join(tmpdir(), 'stoker-cohorts-')))
  }

  /** The same in folders of its own, of one whose database is closed. */
  async copy(): Promise<CohortFixture> {
    return new CohortFixture(await this.warehouse.copy(), await mkdtemp(join(tmpdir(), 'stoker-cohorts-')))
  }

  get deps(): CohortDeps {
    const { database, lake } = this.warehouse
    return {
      ...{ database, lake, folders: [this.folder], clock: systemClock },
      limits: { seconds: 60, memoryBytes: 256 << 20 },
    }
  }

  /** Writes a definition. @param head more lines of its header */
  async define(name: string, sql: string, head = ''): Promise<void> {
    await mkdir(this.folder, { recursive: true })
    await writeFile(join(this.folder, `${name}.sql`), `-- title: ${name}\n-- description: of a test\n${head}${sql}\n`)
  }

  async publish(): Promise<number> {
    const { database, lake, views } = this.warehouse
    return (await publishSnapshot(database, lake, views, undefined, new Date())).snapshot
  }

  /** Each outcome by the name of its cohort. */
  async run(
    snapshot: number,
    options?: RunOptions,
    deps: Partial<CohortDeps> = {},
  ): Promise<Record<string, CohortOutcome>> {
    const { outcomes } = await runCohorts({ ...this.deps, ...deps }, snapshot, options)
    return Object.fromEntries(outcomes.map((each) => [each.cohort, each]))
  }

  rows<T extends object>(sql: string): Promise<T[]> {
    return this.warehouse.database.using((session) => session.rows<T>(sql))
  }

  /** `p1 1-3`: in from snapshot 1 to before 3. */
  async intervals(cohort: string): Promise<string[]> {
    const rows = await this.rows<{ text: string }>(
      `SELECT replace(patient_key, 's/Patient/', '') || ' ' || entered || '-' || coalesce(left_at::VARCHAR, '') AS text
       FROM stoker.cohort_member WHERE cohort = '${cohort}' ORDER BY ALL`,
    )
    return rows.map(({ text }) => text)
  }

  async close(): Promise<void> {
    await this.warehouse.close()
    await rm(this.folder, { recursive: true })
  }
}
