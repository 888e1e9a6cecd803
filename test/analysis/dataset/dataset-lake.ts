/** A lake of synthetic patients, synced in this process, and data sets built from it. */
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { buildDataset, type BuildOptions } from '../../../src/analysis/dataset/build.ts'
import type { DatasetCard } from '../../../src/analysis/dataset/card.ts'
import type { DatasetDefinition } from '../../../src/analysis/dataset/definition.ts'
import { DatasetError, type DatasetMistake } from '../../../src/analysis/dataset/mistakes.ts'
import { loadConfig } from '../../../src/app/config.ts'
import { openWorker } from '../../../src/app/worker-context.ts'
import { readDataset } from '../../../src/cli/dataset-file.ts'
import { silentLog } from '../../../src/core/log.ts'
import { startDemoServer, type DemoServer } from '../../../src/demo/server.ts'
import { syntheticVersions } from '../../../src/demo/synthetic/population.ts'
import { Lake } from '../../../src/warehouse/lake.ts'
import { runSource } from '../../../src/worker/run.ts'
import { copyViews } from '../../scenario/harness.ts'

const VIEWS = [
  'patient',
  'encounter',
  'condition',
  'condition_coding',
  'observation',
  'medication_request',
  'blood_pressure',
]
const SEED = 11

export const EXAMPLES = new URL('../../../config/datasets/', import.meta.url).pathname

export class DatasetLake {
  readonly folder: string
  readonly server: DemoServer
  private patients: number

  private constructor(folder: string, server: DemoServer, patients: number) {
    this.folder = folder
    this.server = server
    this.patients = patients
  }

  /** With snapshot 1. */
  static async make(patients: number): Promise<DatasetLake> {
    const folder = await mkdtemp(join(tmpdir(), 'stoker-dataset-test-'))
    const server = await startDemoServer({ patients, seed: SEED, behaviour: { pollsBeforeDone: 0 } })
    await copyViews(VIEWS, join(folder, 'views'))
    await writeFile(
      join(folder, 'stoker.yaml'),
      `lake: lake
memoryLimit: 256MiB
views: {shipped: false, folders: [views]}
sources:
  - {name: demo, baseUrl: '${server.baseUrl}', level: system, auth: {kind: none}}
`,
    )
    const made = new DatasetLake(folder, server, patients)
    await made.sync()
    return made
  }

  get lake(): Lake {
    return new Lake(join(this.folder, 'lake'))
  }

  async sync(): Promise<void> {
    const config = await loadConfig(join(this.folder, 'stoker.yaml'))
    const signal = new AbortController().signal
    const worker = await openWorker(config, { log: silentLog, observe: () => undefined, signal })
    try {
      await runSource(worker.context, worker.sources[0]!)
    } finally {
      await worker.close()
    }
  }

  /** So many patients more, with all that is theirs, in a snapshot of their own. */
  async grow(more: number): Promise<void> {
    const { store } = this.server
    this.patients += more
    for (const version of syntheticVersions(this.patients, SEED)) {
      if (store.find(version.type, version.id)) continue
      store.load({ ...version, lastUpdatedMs: store.nextInstant().getTime() })
    }
    await this.sync()
  }

  /** Writes a file beside the definitions. */
  async write(name: string, text: string, mode = 0o600): Promise<string> {
    const path = join(this.folder, name)
    await mkdir(dirname(path), { recursive: true })
    await rm(path, { force: true })
    await writeFile(path, text)
    // Whatever the umask is.
    await chmod(path, mode)
    return path
  }

  async define(yaml: string, name = 'definition.yaml'): Promise<DatasetDefinition> {
    return readDataset(await this.write(name, yaml))
  }

  /** @param to the folder's name, below that of the test */
  async build(
    definition: DatasetDefinition | string,
    to: string,
    options: Partial<BuildOptions> = {},
  ): Promise<DatasetCard> {
    return buildDataset(typeof definition === 'string' ? await this.define(definition) : definition, {
      folder: join(this.folder, to),
      lake: this.lake,
      memoryLimitBytes: 256 << 20,
      stokerVersion: '1.2.3',
      ...options,
    })
  }

  /** What is wrong with a definition that must not build. */
  async mistakes(definition: string): Promise<readonly DatasetMistake[]> {
    try {
      await this.build(definition, 'never')
    } catch (error) {
      if (error instanceof DatasetError) return error.mistakes
      throw error
    }
    throw new Error('the data set was built, and should not have been')
  }

  /** Of each file its bytes, in hexadecimal digits. */
  async bytes(to: string): Promise<Record<string, string>> {
    const folder = join(this.folder, to)
    const names = (await readdir(folder)).sort()
    return Object.fromEntries(
      await Promise.all(names.map(async (name) => [name, (await readFile(join(folder, name))).toString('hex')])),
    ) as Record<string, string>
  }

  /** All rows of a data set, by another DuckDB, with the name of their split in `split`. */
  async rows(to: string): Promise<Record<string, unknown>[]> {
    const path = join(this.folder, to, '*.parquet')
    return ask(`SELECT *, parse_filename(filename, true) AS split FROM read_parquet('${path}', filename = true)
      ORDER BY patient_key, index_date`)
  }

  /** Rows over the tables of the newest snapshot, by another DuckDB. */
  async tables(sql: string): Promise<Record<string, unknown>[]> {
    return ask(sql, this.lake.catalog)
  }

  async close(): Promise<void> {
    await this.server.stop()
    await rm(this.folder, { recursive: true, force: true })
  }
}

export async function ask(sql: string, database = ':memory:'): Promise<Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create(database, database === ':memory:' ? {} : { access_mode: 'READ_ONLY' })
  try {
    const connection = await instance.connect()
    await connection.run(`SET TimeZone = 'UTC'`)
    const rows = (await connection.runAndReadAll(sql)).getRowObjectsJson()
    connection.closeSync()
    return rows
  } finally {
    instance.closeSync()
  }
}

/** `line:column path: problem | way out` */
export function brief(mistakes: readonly DatasetMistake[]): string[] {
  return mistakes.map(({ line, column, path, problem, wayOut }) => `${line}:${column} ${path}: ${problem} | ${wayOut}`)
}
