/** Purging the warehouse of a test, as the command does it. */
import { systemClock } from '../../../src/core/clock.ts'
import { DiskGuard } from '../../../src/core/disk-space.ts'
import { Database } from '../../../src/store/database.ts'
import { searchFiles } from '../../../src/warehouse/purge/bytes.ts'
import { beginPurge, pursuePurge, type PurgeInput, type Purged } from '../../../src/warehouse/purge/purge.ts'
import { openPurge } from '../../../src/warehouse/purge/record.ts'
import { rewriteDatabase } from '../../../src/warehouse/purge/rewrite-database.ts'
import type { PurgeSubject } from '../../../src/warehouse/purge/subject.ts'
import { publishSnapshot } from '../../../src/warehouse/snapshot/publish.ts'
import { removeSnapshots } from '../../../src/warehouse/snapshot/retention.ts'
import { compactSource } from '../../../src/warehouse/upkeep/compact.ts'
import type { RetentionRule } from '../../../src/warehouse/past/forget.ts'
import type { View } from '../../../src/warehouse/tables/view.ts'
import type { WarehouseFixture } from '../warehouse-fixture.ts'

export const now = new Date('2026-06-01T00:00:00Z')

export const day = (number: number) => `2026-01-${String(number).padStart(2, '0')}T00:00:00Z`

export class PurgeFixture {
  readonly warehouse: WarehouseFixture

  constructor(warehouse: WarehouseFixture) {
    this.warehouse = warehouse
  }

  get input(): PurgeInput {
    const { database, lake } = this.warehouse
    const removeThese = (numbers: readonly number[]) => removeSnapshots(database, lake, numbers, now)
    return { database, lake, disk: this.disk, now, publish: () => this.publish(), removeSnapshots: removeThese }
  }

  async publish(): Promise<number> {
    const { database, lake, views } = this.warehouse
    return (await publishSnapshot(database, lake, views, undefined, now)).snapshot
  }

  async compact(source: string, keeping: RetentionRule = { rawLog: 'all', deletions: 'remove' }): Promise<void> {
    const { database, lake } = this.warehouse
    await compactSource({ database, lake, disk: this.disk, source, now, how: 'thorough', keeping })
  }

  /** The database is closed afterwards. */
  async purge(subject: PurgeSubject, keepsSnapshots = false): Promise<Purged> {
    await beginPurge(this.input, subject, keepsSnapshots)
    return this.pursue()
  }

  async pursue(): Promise<Purged> {
    const open = (await this.warehouse.database.using(openPurge))!
    const purged = await pursuePurge(this.input, { ...open, subject: open.subject! })
    await this.rewrite(open.purge)
    const files = await searchFiles(this.warehouse.lake, purged.subject, purged.needles)
    return { ...purged, places: [...purged.places, files] }
  }

  async rewrite(purge: number): Promise<void> {
    const { database, lake } = this.warehouse
    await database.using((session) => rewriteDatabase(session, lake.database, purge))
    database.close()
  }

  async reopen(): Promise<void> {
    const database = await Database.open({ path: this.warehouse.lake.database, memoryLimitBytes: 512 << 20 })
    Object.assign(this.warehouse, { database })
  }

  rows<T extends object>(sql: string): Promise<T[]> {
    return this.warehouse.database.using((session) => session.rows<T>(sql))
  }

  private get disk(): DiskGuard {
    return new DiskGuard({ path: this.warehouse.lake.root, minimumFreeBytes: 0, clock: systemClock })
  }
}

export const observation = (id: string, of: string | undefined, note: string) => ({
  resourceType: 'Observation',
  id,
  ...(of === undefined ? {} : { subject: { reference: `Patient/${of}` } }),
  note: [{ text: note }],
})

/** One row per Observation: whose it is. */
export const observationView: View = {
  name: 'observation',
  resource: 'Observation',
  hash: 'h1',
  columns: [
    { name: 'subject_key', type: 'VARCHAR' },
    { name: 'note', type: 'VARCHAR' },
  ],
  sql: ({ from, json, carry, keyPrefix }) =>
    `SELECT ${carry.join(', ')}, ${keyPrefix} || '/' || json_extract_string(${json}, '$.subject.reference') AS subject_key,
       json_extract_string(${json}, '$.note[0].text') AS note FROM ${from}`,
  lossSql: ({ from }) =>
    `SELECT 'note' AS "column", NULL AS element, 'text' AS wanted, 0::BIGINT AS "values" FROM ${from} WHERE false`,
}
