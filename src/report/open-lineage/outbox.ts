/** Which runs others were told of: a run's begin and end, whatever process saw them, reach `put` once it could be told. */
import { readFile } from 'node:fs/promises'
import { writeWhole } from '../../core/durable.ts'
import type { Ask } from '../../ledger/run-details.ts'
import type { RunState } from '../../ledger/runs.ts'
import type { LineageEvent, RunEvents } from './run-events.ts'
import { runFacts } from './run-facts.ts'

export interface OutboxOptions {
  /** Of its own state. */
  readonly path: string
  readonly ask: Ask
  readonly events: RunEvents
  /**
   * Resolves when the event will arrive whatever happens to this process. An event that was put already may be put again,
   * word for word and under the same name, if the process ended just then.
   */
  readonly put: (name: string, event: LineageEvent) => Promise<void>
}

/** `through`: up to this run all is told. `begun`, `ended`: what is told of later ones. */
interface Told {
  readonly through: number
  readonly begun: readonly number[]
  readonly ended: readonly number[]
}

const OVER: ReadonlySet<RunState> = new Set(['done', 'failed', 'abandoned'])

/**
 * The ledger is the outbox: what it says of runs, less what was told. So a crash between the end of a run and the report of
 * it loses nothing, and a run that was cancelled from outside is told of at the next look.
 */
export class Outbox {
  private readonly options: OutboxOptions
  private told: Told | undefined

  constructor(options: OutboxOptions) {
    this.options = options
  }

  /** One look at the ledger. Not to be called again before it has ended. */
  async look(): Promise<void> {
    const { ask, events, put } = this.options
    let told = (this.told ??= await this.read())
    const runs = await ask<{ run: number; state: RunState }>(
      `SELECT run, state FROM stoker.run WHERE run > ${told.through} ORDER BY run`,
    )
    for (const { run, state } of runs) {
      const isOver = OVER.has(state)
      const isNew = !told.begun.includes(run)
      if (!isNew && (!isOver || told.ended.includes(run))) continue
      const facts = await runFacts(ask, run)
      if (facts === undefined) continue
      if (isNew) await put(nameOf(run, 1), events.start(facts))
      if (isOver) await put(nameOf(run, 9), events.end(facts))
      told = advanced({
        through: told.through,
        begun: isNew ? [...told.begun, run] : told.begun,
        ended: isOver ? [...told.ended, run] : told.ended,
      })
      await writeWhole(this.options.path, `${JSON.stringify(told)}\n`)
      this.told = told
    }
  }

  /** A run was stopped by an error, for now; nothing is told where it is over. */
  async stopped(run: number, at: Date, code: string, message: string): Promise<void> {
    const { ask, events, put } = this.options
    const facts = await runFacts(ask, run)
    if (facts === undefined || OVER.has(facts.run.state)) return
    await put(nameOf(run, 5, at), events.stopped(facts, at, code, message))
  }

  /** At the first look ever, of what is over by then nothing is told. */
  private async read(): Promise<Told> {
    const text = await readFile(this.options.path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    })
    const known = text === undefined ? undefined : parsed(text)
    if (known !== undefined) return known
    const runs = await this.options.ask<{ run: number; state: RunState }>(
      'SELECT run, state FROM stoker.run ORDER BY run',
    )
    const over = runs.filter(({ state }) => OVER.has(state)).map(({ run }) => run)
    const open = runs.find(({ state }) => !OVER.has(state))?.run
    const through = (open ?? (runs.at(-1)?.run ?? 0) + 1) - 1
    const later = over.filter((run) => run > through)
    const told = { through, begun: later, ended: later }
    await writeWhole(this.options.path, `${JSON.stringify(told)}\n`)
    return told
  }
}

/** In the order of what is told. */
function nameOf(run: number, step: 1 | 5 | 9, at?: Date): string {
  const time = at === undefined ? '' : `-${at.getTime()}`
  return `${String(run).padStart(10, '0')}-${step}${time}`
}

/** Numbers follow each other without gaps, but for runs whose begin was rolled back. */
function advanced({ through, begun, ended }: Told): Told {
  let reached = through
  for (const run of [...begun].sort((a, b) => a - b)) {
    if (!ended.includes(run)) break
    reached = run
  }
  const later = (runs: readonly number[]) => runs.filter((run) => run > reached)
  return { through: reached, begun: later(begun), ended: later(ended) }
}

/** Undefined for what is none: it is begun anew. */
function parsed(text: string): Told | undefined {
  try {
    const { through, begun, ended } = JSON.parse(text) as Partial<Told>
    const isList = (list: unknown) => Array.isArray(list) && list.every(Number.isInteger)
    return Number.isInteger(through) && isList(begun) && isList(ended)
      ? { through: through!, begun: begun!, ended: ended! }
      : undefined
  } catch {
    return undefined
  }
}
