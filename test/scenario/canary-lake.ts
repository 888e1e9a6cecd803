/** A lake fed by the canary server, and what every command that was run on it said. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CANARIES, CanaryServer, type Mood } from './canary-server.ts'
import { copyViews, ended, MAIN, type Ended } from './harness.ts'
import { makeLakeFolder } from './lake-folder.ts'
import { runWarm } from './warm-command.ts'

export interface Done extends Ended {
  readonly name: string
  /** The exit codes it may end with. */
  readonly codes: readonly (number | null)[]
}

const VIEWS = ['patient', 'patient_name', 'patient_address', 'observation']

const ENVIRONMENT = { CANARY_ENDPOINT_TOKEN: CANARIES.endpointToken }

const COHORTS = {
  all: `-- title: Everybody\n-- description: Whoever is a patient.\nSELECT _resource_key AS patient_key FROM patient\n`,
  failing: `-- title: Failing\n-- description: A name is no number.
SELECT _resource_key AS patient_key FROM patient WHERE CAST(family_name AS INTEGER) > 0\n`,
}

const DATASET = `name: names
cohort:
  description: Everybody.
  sql: SELECT _resource_key AS patient_key, TIMESTAMPTZ '2026-03-01 00:00:00Z' AS index_date FROM patient
label:
  description: Nobody knows.
  sql: SELECT patient_key, index_date, index_date + INTERVAL 1 DAY AS at, true AS value FROM cohort
features:
  - name: name
    description: The family name, which is content.
    sql: SELECT patient_key, index_date, index_date AS at, family_name AS value FROM cohort JOIN patient ON _resource_key = patient_key
privacy: {keyFile: study.key, pseudonyms: true, shiftDays: 30}
`

export class CanaryLake {
  readonly folder: string
  readonly server: CanaryServer
  readonly done: Done[] = []
  private readonly children = new Set<ChildProcess>()

  private constructor(folder: string, server: CanaryServer) {
    this.folder = folder
    this.server = server
  }

  get root(): string {
    return join(this.folder, 'lake')
  }

  static async make(): Promise<CanaryLake> {
    const lake = new CanaryLake(await makeLakeFolder('stoker-canary-'), await CanaryServer.start())
    await copyViews(VIEWS, join(lake.folder, 'views'))
    await mkdir(join(lake.folder, 'cohorts'))
    for (const [name, sql] of Object.entries(COHORTS)) await lake.give(`cohorts/${name}.sql`, sql)
    await lake.give('secret.txt', CANARIES.clientSecret)
    await lake.give('study.key', CANARIES.studyKey)
    await lake.give('names.yaml', DATASET)
    await lake.configure()
    return lake
  }

  /** @param more lines of the configuration */
  async configure(more = ''): Promise<void> {
    const { origin } = this.server
    await this.give(
      'stoker.yaml',
      `lake: lake
memoryLimit: 256MiB
threads: 1
views: {shipped: false, folders: [views]}
cohorts: [cohorts]
http: {listen: '127.0.0.1:0'}
query: {seconds: 600}
reports:
  bulkLog: bulk-log.ndjson
  openLineage: {file: lineage.ndjson, url: "${origin}/lineage", tokenEnv: CANARY_ENDPOINT_TOKEN}
sources:
  - name: canary
    baseUrl: ${origin}/fhir
    level: system
    types: [Patient, Observation, DocumentReference]
    trace: trace.ndjson
    auth: {kind: client-secret, clientId: stoker, clientSecretFile: secret.txt, tokenUrl: "${origin}/token"}
${more}`,
    )
  }

  /** What the operator puts into the folder. */
  async give(file: string, text: string): Promise<void> {
    await writeFile(join(this.folder, file), text, { mode: 0o600 })
  }

  start(...args: string[]): ChildProcess {
    const env = { ...process.env, ...ENVIRONMENT }
    const child = spawn(process.execPath, [MAIN, ...args], { cwd: this.folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
    this.children.add(child)
    child.once('exit', () => this.children.delete(child))
    return child
  }

  /** A command, by a process that has run others. */
  async run(name: string, codes: readonly number[], ...args: string[]): Promise<void> {
    const result = await runWarm(this.folder, args, ENVIRONMENT)
    this.done.push({ name, codes, ...result })
  }

  /** By a process of its own: what it says when it starts and ends is searched too. */
  async sync(mood: Mood, codes: readonly number[], ...args: string[]): Promise<void> {
    this.server.mood = mood
    const result = await ended(this.start('sync', '--log-level', 'trace', ...args))
    this.done.push({ name: `sync: ${mood}`, codes, ...result })
  }

  /** A run that is stopped as soon as it logs `sign`: it would ask its server again for minutes. */
  async stopped(mood: Mood, sign: RegExp): Promise<void> {
    this.server.mood = mood
    const child = this.start('sync', '--full', '--log-level', 'trace')
    const end = ended(child)
    await new Promise<void>((resolve) => {
      let said = ''
      child.stderr!.on('data', (text: string) => sign.test((said += text)) && resolve())
      void end.then(() => resolve())
    })
    const meanwhile = await readFile(join(this.root, 'worker.json'), 'utf8')
    child.kill('SIGTERM')
    this.done.push({ name: `sync: ${mood}`, codes: [143], ...(await end) })
    this.done.push({ name: 'worker.json', codes: [0], code: 0, signal: null, stdout: meanwhile, stderr: '' })
  }

  async close(): Promise<void> {
    for (const child of this.children) child.kill('SIGKILL')
    await this.server.stop()
    await rm(this.folder, { recursive: true, force: true })
  }
}
