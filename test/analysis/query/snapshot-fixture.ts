/** A published snapshot of a few patients, and the folders beside it that no query may reach. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { publishSnapshot } from '../../../src/warehouse/snapshot/publish.ts'
import { patient, WarehouseFixture } from '../../warehouse/warehouse-fixture.ts'

/** What is in no answer, unless something was read that must not be. */
export const CANARY = 'canary-4711'

export class SnapshotFixture {
  readonly warehouse: WarehouseFixture
  /** Holds `secret.csv`, `.parquet` and others, each with the canary. */
  readonly outside: string

  private constructor(warehouse: WarehouseFixture, outside: string) {
    this.warehouse = warehouse
    this.outside = outside
  }

  static async make(): Promise<SnapshotFixture> {
    const warehouse = await WarehouseFixture.make()
    await warehouse.load('2026-01-01T00:00:00Z', [{ lines: [patient('a', 'A'), patient('b', 'B')] }])
    const publish = () => publishSnapshot(warehouse.database, warehouse.lake, warehouse.views, 1, new Date())
    await publish()
    await publish()
    const outside = await mkdtemp(join(tmpdir(), 'stoker-outside-'))
    await writeFile(join(outside, 'secret.csv'), `secret\n${CANARY}\n`)
    await writeFile(join(outside, 'secret.json'), JSON.stringify([{ secret: CANARY }]))
    await warehouse.database.using((session) =>
      session.run(`COPY (SELECT '${CANARY}' AS secret) TO '${join(outside, 'secret.parquet')}' (FORMAT parquet)`),
    )
    return new SnapshotFixture(warehouse, outside)
  }

  get lake(): WarehouseFixture['lake'] {
    return this.warehouse.lake
  }

  /** Every file of the lake and of the folder beside it, with its bytes, save those that readers come and go with. */
  async everything(): Promise<Map<string, string>> {
    const files = new Map<string, string>()
    for (const folder of [this.lake.root, this.outside]) {
      for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
        const path = join(entry.parentPath, entry.name)
        if (path.startsWith(this.lake.readers)) continue
        files.set(path, entry.isFile() ? (await readFile(path)).toString('base64') : 'folder')
      }
    }
    return files
  }

  async close(): Promise<void> {
    await this.warehouse.close()
    await rm(this.outside, { recursive: true, force: true })
  }
}
