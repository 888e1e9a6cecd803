/** A demo server, a lake in a temporary folder, and the real command run as a process of its own. */
import { DuckDBInstance } from '@duckdb/node-api'
import { spawn, type ChildProcess } from 'node:child_process'
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { demoKeyPair } from '../../src/demo/demo-key-pair.ts'
import { startDemoServer, type DemoServer, type DemoServerOptions } from '../../src/demo/server.ts'
import { makeLakeFolder } from './lake-folder.ts'
import { runWarm } from './warm-command.ts'

/** `npm test` builds it before the tests run. */
export const MAIN = new URL('../../dist/main.js', import.meta.url).pathname

const SHIPPED_VIEWS = new URL('../../schemas/views/us-core/', import.meta.url)
/**
 * One row a resource, one an element, one an element of an element, and the rows of several elements in one table. A
 * process with all 43 views works for 5 CPU seconds whatever it loads, with these for 1.5.
 */
export const FEW_VIEWS = [
  'patient',
  'patient_name',
  'patient_race_ethnicity',
  'condition',
  'condition_category',
  'observation',
]

export interface ScenarioOptions extends Omit<DemoServerOptions, 'auth'> {
  /** Names of the shipped views of the lake, `FEW_VIEWS` by default; of a test that is about all of them, 'all'. */
  readonly views?: readonly string[] | 'all'
}

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export class Scenario {
  readonly folder: string
  server: DemoServer
  readonly config: string
  private readonly options: DemoServerOptions
  /** Of the configuration; none where all views are wanted. For few views several threads cost more than they bring. */
  private viewLine = ''
  private readonly children = new Set<ChildProcess>()

  private constructor(folder: string, server: DemoServer, options: DemoServerOptions) {
    this.folder = folder
    this.server = server
    this.options = options
    this.config = join(folder, 'stoker.yaml')
  }

  get lake(): string {
    return join(this.folder, 'lake')
  }
  get catalog(): string {
    return join(this.lake, 'catalog.duckdb')
  }

  get views(): string {
    return join(this.folder, 'views')
  }

  static async start({ views = FEW_VIEWS, ...options }: ScenarioOptions, extra = ''): Promise<Scenario> {
    const folder = await makeLakeFolder('stoker-scenario-')
    const keys = await demoKeyPair()
    const behaviour = { pollsBeforeDone: 0, ...options.behaviour }
    const all = { ...options, behaviour, auth: keys }
    const server = await startDemoServer(all)
    const scenario = new Scenario(folder, server, all)
    await writeFile(join(folder, 'key.jwk'), JSON.stringify(keys.privateJwk), { mode: 0o600 })
    if (views !== 'all') {
      await copyViews(views, scenario.views)
      scenario.viewLine = 'threads: 1\nviews: {shipped: false, folders: [views]}\n'
    }
    await scenario.configure(extra)
    return scenario
  }

  /** The same server at the same address, with no memory of its exports. */
  async restartServer(): Promise<void> {
    await this.server.stop()
    this.server = await startDemoServer({ ...this.options, port: this.server.port })
  }

  /** Writes the configuration, with `extra` lines for the source; of the whole system, unless they name a level. */
  async configure(extra: string): Promise<void> {
    await writeFile(
      this.config,
      `lake: lake
memoryLimit: 512MiB
${this.viewLine}sources:
  - name: demo
    baseUrl: ${this.server.baseUrl}
${/^ *level:/m.test(extra) ? '' : '    level: system\n'}    auth: { kind: private-key-jwt, clientId: stoker-demo, keyFile: key.jwk }
${extra}`,
    )
  }

  spawn(...args: string[]): ChildProcess {
    const child = spawn(process.execPath, [MAIN, ...args], { cwd: this.folder, stdio: ['ignore', 'pipe', 'pipe'] })
    this.children.add(child)
    return child
  }

  /** Runs the command to its end, in a process that has run others before; what is about the process takes `spawn`. */
  run(...args: string[]): Promise<Ended> {
    return runWarm(this.folder, args)
  }

  /** Rows of a query over a catalog, the newest by default. */
  read(sql: string, catalog = this.catalog): Promise<Record<string, unknown>[]> {
    return readDuckDb(catalog, sql)
  }

  /** Rows of a query over the worker's own database, which no process may hold. */
  readInside(sql: string): Promise<Record<string, unknown>[]> {
    return readDuckDb(join(this.lake, 'warehouse.duckdb'), sql)
  }

  /** What a test that failed left running would wait for a server that is gone. */
  async stop(): Promise<void> {
    for (const child of this.children) child.kill('SIGKILL')
    await this.server.stop()
    await rm(this.folder, { recursive: true, force: true })
  }
}

/** Makes the folder of these shipped views, for a test to change. */
export async function copyViews(names: readonly string[], folder: string): Promise<void> {
  await mkdir(folder)
  for (const name of names) await copyFile(new URL(`${name}.json`, SHIPPED_VIEWS), join(folder, `${name}.json`))
}

export function ended(child: ChildProcess): Promise<Ended> {
  return new Promise((resolve, reject) => {
    let stdout = ''
    let stderr = ''
    child.stdout!.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
}

/** Rows of a query over a database that is opened for it alone. */
export function readDuckDb(path: string, sql: string): Promise<Record<string, unknown>[]> {
  return lookInto(path, (rows) => rows(sql))
}

/** Several queries over a database that is opened for them. */
export async function lookInto<T>(
  path: string,
  look: (rows: (sql: string) => Promise<Record<string, unknown>[]>) => Promise<T>,
): Promise<T> {
  const instance = await DuckDBInstance.create(path, { access_mode: 'READ_ONLY', threads: '1' })
  try {
    const connection = await instance.connect()
    const found = await look(async (sql) => (await connection.runAndReadAll(sql)).getRowObjectsJson())
    connection.closeSync()
    return found
  } finally {
    instance.closeSync()
  }
}
