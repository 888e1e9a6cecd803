/** Phases in the ledger: when a run was asking, gathering, merging, publishing, releasing. */
import type { Clock } from '../core/clock.ts'
import type { Session } from '../store/session.ts'

/**
 * export: from kick-off until every file is listed. gather: files are fetched and landed. The two overlap where a manifest
 * comes in pages, or several exports are asked at once; the others follow one after another.
 */
export type Phase = 'export' | 'gather' | 'merge' | 'publish' | 'release'

const PHASES: readonly Phase[] = ['export', 'gather', 'merge', 'publish', 'release']

export interface PhaseSpell {
  readonly phase: Phase
  readonly started_at: Date
  /** NULL of a spell that is under way, or that its process did not live to end. */
  readonly ended_at: Date | null
}

/** Notes the spells of a run's phases, durably: what a killed process leaves behind is a spell without an end. */
export class Phases {
  private readonly session: Session
  private readonly run: number
  private readonly clock: Clock
  private readonly underWay = new Map<
    Phase,
    { works: number; readonly startedAt: Date; readonly noted: Promise<void> }
  >()

  constructor(session: Session, run: number, clock: Clock) {
    this.session = session
    this.run = run
    this.clock = clock
  }

  /** Work of one phase that overlaps is one spell: from the first to begin until the last has ended, well or not. */
  async during<T>(phase: Phase, work: () => Promise<T>): Promise<T> {
    const spell = this.underWay.get(phase) ?? this.begin(phase)
    spell.works += 1
    this.underWay.set(phase, spell)
    let answer: T
    try {
      await spell.noted
      answer = await work()
    } catch (error) {
      // What ended the work matters more than that its end could not be noted.
      await this.leave(phase).catch(() => undefined)
      throw error
    }
    await this.leave(phase)
    return answer
  }

  private begin(phase: Phase) {
    const startedAt = this.clock.now()
    const noted = this.session
      .run('INSERT INTO stoker.run_phase VALUES ($1, $2, $3::TIMESTAMPTZ, NULL)', [
        this.run,
        phase,
        startedAt.toISOString(),
      ])
      .then(() => undefined)
    return { works: 0, startedAt, noted }
  }

  private async leave(phase: Phase): Promise<void> {
    const spell = this.underWay.get(phase)!
    spell.works -= 1
    if (spell.works > 0) return
    this.underWay.delete(phase)
    await this.session.run(
      `UPDATE stoker.run_phase SET ended_at = $4::TIMESTAMPTZ
       WHERE run = $1 AND phase = $2 AND started_at = $3::TIMESTAMPTZ AND ended_at IS NULL`,
      [this.run, phase, spell.startedAt.toISOString(), this.clock.now().toISOString()],
    )
  }
}

export interface PhaseTime {
  readonly phase: Phase
  readonly startedAt: Date
  /** Of its last spell; undefined where that has no end. */
  readonly endedAt: Date | undefined
  /** Of its ended spells together. */
  readonly tookMs: number
  readonly spells: number
  /** Spells without an end. */
  readonly unended: number
}

/** What the spells of a run come to, in the order in which a run goes through its phases. */
export function phaseTimes(spells: readonly PhaseSpell[]): PhaseTime[] {
  return PHASES.flatMap((phase) => {
    const of = spells.filter((spell) => spell.phase === phase).sort((a, b) => +a.started_at - +b.started_at)
    if (of.length === 0) return []
    const ended = of.filter((spell) => spell.ended_at !== null)
    return {
      phase,
      startedAt: of[0]!.started_at,
      endedAt: of.at(-1)!.ended_at ?? undefined,
      tookMs: ended.reduce((sum, spell) => sum + (spell.ended_at!.getTime() - spell.started_at.getTime()), 0),
      spells: of.length,
      unended: of.length - ended.length,
    }
  })
}
