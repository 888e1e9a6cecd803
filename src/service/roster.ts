/** The sources of a worker, in the order of the configuration, and the line of those that wait for their turn. */
import type { SourceConfig } from '../app/config-source.ts'
import type { Source } from '../worker/source.ts'
import type { SourceState } from './control.ts'
import { fingerprint } from './fingerprint.ts'
import { newlyServed, stateOf, type ServedSource } from './served-source.ts'
import { nextLife, type LifeEvent } from './source-life.ts'

export interface Arranged {
  readonly added: readonly ServedSource[]
  /** With another schedule. */
  readonly rescheduled: readonly ServedSource[]
  /** With anything else about them. */
  readonly changed: readonly ServedSource[]
}

export class Roster {
  private served = new Map<string, ServedSource>()
  /** First come, first served. */
  private readonly waiting: ServedSource[] = []
  private readonly onChange: (state: SourceState) => void

  constructor(onChange: (state: SourceState) => void) {
    this.onChange = onChange
  }

  all(): readonly ServedSource[] {
    return [...this.served.values()]
  }

  get(name: string): ServedSource | undefined {
    return this.served.get(name)
  }

  /** Takes over a configuration. A source that it lacks leaves at once, or when its run has ended: see {@link dismiss}. */
  arrange(configs: readonly SourceConfig[], sources: readonly Source[]): Arranged {
    const added: ServedSource[] = []
    const rescheduled: ServedSource[] = []
    const changed: ServedSource[] = []
    const next = configs.map((config, i) => {
      const held = this.served.get(config.name)
      const source = sources[i]!
      if (held === undefined) {
        const served = newlyServed(config, source)
        added.push(served)
        return served
      }
      if (fingerprint(held.config.schedule) !== fingerprint(config.schedule)) rescheduled.push(held)
      if (fingerprint(held.config) !== fingerprint(config)) changed.push(held)
      return Object.assign(held, { config, source, isLeaving: false })
    })
    const leaving = this.all().filter((each) => !next.includes(each))
    this.served = new Map([...next, ...leaving].map((each) => [each.config.name, each]))
    for (const each of leaving) this.dismiss(each)
    return { added, rescheduled, changed }
  }

  dismiss(served: ServedSource): void {
    Object.assign(served, { isLeaving: true, nextAt: undefined })
    this.happened(served, 'withdrawn')
    if (served.activity === 'idle') this.served.delete(served.config.name)
  }

  /** @returns whether the source has joined the line by it */
  happened(served: ServedSource, event: LifeEvent): boolean {
    const { to, effect } = nextLife(served.activity, event)
    served.activity = to
    if (to !== 'backing-off') served.retryAt = undefined
    if (effect === 'enqueue') this.waiting.push(served)
    if (effect === 'dequeue') this.waiting.splice(this.waiting.indexOf(served), 1)
    this.onChange(stateOf(served))
    return effect === 'enqueue'
  }

  /**
   * Gives the next source its turn that may begin; undefined when none may. A slow server holds up its own sources alone: of
   * one server no more than `atOnce` run, as it has to make all of their exports.
   */
  takeTurn(atOnce: number): ServedSource | undefined {
    const running = this.all().filter(({ activity }) => activity === 'running')
    const isFull = ({ config: { baseUrl } }: ServedSource) =>
      running.filter(({ config }) => config.baseUrl.host === baseUrl.host).length >= atOnce
    const place = this.waiting.findIndex((served) => served.cancelling === undefined && !isFull(served))
    if (place < 0) return undefined
    const [served] = this.waiting.splice(place, 1) as [ServedSource]
    this.happened(served, 'turn')
    return served
  }
}
