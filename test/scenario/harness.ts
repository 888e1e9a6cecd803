/** A demo server, a lake in a temporary folder, and the real command run as a process of its own. */
import { DuckDBInstance } from '@duckdb/node-api'
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { demoKeyPair } from '../../src/demo/demo-key-pair.ts'
import { startDemoServer, type DemoServer, type DemoServerOptions } from '../../src/demo/server.ts'

/** `npm test` builds it before the tests run. */
export const MAIN = new URL('../../dist/main.js', import.meta.url).pathname

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

  static async start(options: Omit<DemoServerOptions, 'auth'>, extra = ''): Promise<Scenario> {
    const folder = await mkdtemp(join(tmpdir(), 'stoker-scenario-'))
    const keys = await demoKeyPair()
    const behaviour = { pollsBeforeDone: 0, ...options.behaviour }
    const all = { ...options, behaviour, auth: keys }
    const server = await startDemoServer(all)
    const scenario = new Scenario(folder, server, all)
    await writeFile(join(folder, 'key.jwk'), JSON.stringify(keys.privateJwk), { mode: 0o600 })
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
sources:
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

  /** Runs the command to its end. */
  run(...args: string[]): Promise<Ended> {
    return ended(this.spawn(...args))
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

async function readDuckDb(path: string, sql: string): Promise<Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create(path, { access_mode: 'READ_ONLY' })
  try {
    const connection = await instance.connect()
    const rows = (await connection.runAndReadAll(sql)).getRowObjectsJson()
    connection.closeSync()
    return rows
  } finally {
    instance.closeSync()
  }
}
