/** One history played: the model's server on one side, the real thing on the other, and the two compared. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { FastClock } from '../bulk/fast-clock.ts'
import { makeLakeFolder } from '../scenario/lake-folder.ts'
import { isSync, type Change, type History, type Sync } from './history.ts'
import { lakeProblems, tablesDiffer } from './lake-checks.ts'
import { ModelLake, type Outcome } from './model-lake.ts'
import { ModelServer } from './model-server.ts'
import { pastsDiffer } from './past-check.ts'
import { pastOf, type Past } from './past.ts'
import { indexDiffers } from './state-check.ts'

export interface Played {
  readonly problems: readonly string[]
  readonly runs: number
  readonly kills: number
}

export async function playHistory(history: History): Promise<Played> {
  const folder = await makeLakeFolder('stoker-model-')
  const clock = new FastClock()
  const server = await ModelServer.start(history.habits, clock)
  const play = new Play(history, server, (name) =>
    ModelLake.make(join(folder, name), server.baseUrl, history.habits, clock),
  )
  try {
    return await play.toEnd()
  } finally {
    await play.close()
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Errors of a server that is not well; the next sync goes on. */
const PASSING: ReadonlySet<string> = new Set(['BULK_BUSY', 'RUN_NOTHING_LOADED'])
/** So many quiet runs bring the tables to the server's state, whatever went before: a held type costs one more. */
const QUIET_RUNS_MAX = 6

class Play {
  private readonly history: History
  private readonly server: ModelServer
  private readonly make: (name: string) => Promise<ModelLake>
  private readonly lakes: ModelLake[] = []
  private readonly problems: string[] = []
  /** The tables as they were after each run that came to its end, oldest first. */
  private readonly pasts: Past[] = []
  private runs = 0
  private kills = 0
  /** Something happened that no increment tells of: only a whole export mends it. */
  private owesFull = false

  constructor(history: History, server: ModelServer, make: (name: string) => Promise<ModelLake>) {
    this.history = history
    this.server = server
    this.make = make
  }

  async toEnd(): Promise<Played> {
    const lake = await this.lake('lake')
    for (const [place, step] of this.history.steps.entries()) {
      if (isSync(step)) await this.sync(lake, step, `step ${place + 1}`)
      else this.change(step)
      if (this.problems.length > 0) break
    }
    if (this.problems.length === 0) await this.comeToRest(lake)
    if (this.problems.length === 0) await this.compare(lake)
    const { problems, runs, kills } = this
    return { problems, runs, kills }
  }

  async close(): Promise<void> {
    for (const lake of this.lakes) await lake.close()
  }

  private async lake(name: string): Promise<ModelLake> {
    const lake = await this.make(name)
    this.lakes.push(lake)
    return lake
  }

  private change(change: Change): void {
    this.server.change(change)
    const isLost = change.do === 'remove' && this.history.habits.deletions === 'lost'
    if (isLost || change.do === 'backup') this.owesFull = true
  }

  /** @returns undefined where the run did not come to its end, as it may */
  private async sync(lake: ModelLake, sync: Sync, where: string): Promise<Outcome | undefined> {
    this.server.expect(sync)
    const outcome = await this.outcome(lake, sync)
    // What changes meanwhile may be told by the next run only, or, of a patient whom no list ever had, by none.
    for (const change of sync.meanwhile) {
      if (change.do === 'backup' || change.do === 'remove') this.owesFull ||= this.isUntold(change)
      if (change.do === 'leave') this.owesFull = true
    }
    if (outcome instanceof Error) {
      const code = (outcome as { code?: string }).code ?? ''
      if (!PASSING.has(code) || sync.seed.startsWith('rest')) this.problems.push(`${where}: ${code} ${outcome.message}`)
      return undefined
    }
    if (outcome === 'killed') return undefined
    this.runs += 1
    this.pasts.push(await lake.using((session) => pastOf(session, outcome.run)))
    if (this.history.habits.isCompacted) await lake.compact()
    const isQuiet = !outcome.resumed && outcome.held.length === 0 && sync.meanwhile.length === 0
    if (isQuiet && outcome.mode === 'full') this.owesFull = false
    if (isQuiet && !this.owesFull && this.history.habits.group?.leavers !== 'keep') {
      const { habits } = this.history
      const differing = await lake.using((session) => indexDiffers(session, this.server, habits))
      this.problems.push(...differing.map((each) => `after run ${outcome.run} (${where}): ${each}`))
    }
    return outcome
  }

  private isUntold(change: Change): boolean {
    return change.do === 'backup' || this.history.habits.deletions === 'lost'
  }

  private async outcome(lake: ModelLake, { full, kill }: Sync): Promise<Outcome | 'killed' | Error> {
    if (kill === undefined) return lake.sync(full).catch((error: Error) => error)
    const outcome = await lake.syncInChild(full, kill)
    if (outcome !== 'killed') return outcome
    this.kills += 1
    if (kill.forgets) this.server.forget()
    return outcome
  }

  private async comeToRest(lake: ModelLake): Promise<void> {
    for (let round = 1; round <= QUIET_RUNS_MAX; round += 1) {
      const seed = `rest ${this.history.seed}.${round}`
      const full = this.owesFull
      const sync: Sync = { do: 'sync', full, seed, fault: undefined, meanwhile: [], kill: undefined }
      const outcome = await this.sync(lake, sync, `quiet run ${round}`)
      if (this.problems.length > 0) return
      if (outcome !== undefined && !outcome.resumed && outcome.held.length === 0 && !this.owesFull) return
    }
    this.problems.push(`${QUIET_RUNS_MAX} quiet runs did not bring the tables up to date`)
  }

  private async compare(lake: ModelLake): Promise<void> {
    const quiet: Sync = { do: 'sync', full: true, seed: 'fresh', fault: undefined, meanwhile: [], kill: undefined }
    const fresh = await this.lake('fresh')
    this.server.expect(quiet, true)
    await fresh.sync(true)
    this.runs += 1
    const where = this.history.habits.group?.leavers === 'keep' ? stillIn(this.server) : 'true'
    this.problems.push(...(await tablesDiffer(lake, fresh, where)))
    this.problems.push(...(await lakeProblems(lake)), ...(await pastsDiffer(lake, this.pasts)))
    await this.repeat(lake, quiet)
  }

  /** A full run of what is held already finds nothing new, however it is written. */
  private async repeat(lake: ModelLake, quiet: Sync): Promise<void> {
    this.server.expect(quiet, true)
    const { changed } = await lake.sync(true)
    this.runs += 1
    if (changed > 0) this.problems.push(`a full run that repeats everything changed ${changed} resources`)
  }
}

/** Where the rows of leavers stay, a first load has those of the others only. */
function stillIn(server: ModelServer): string {
  const keys = [...server.state.membersAsOf(server.nowMs).keys()].map((patient) => `'${patient}'`)
  return `split_part(split_part(_resource_key, '/', 3), '-', 1) IN (${keys.join(', ')})`
}
