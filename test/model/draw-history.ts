/** From a seed to a history. */
import { randomFrom, type Random } from '../../src/demo/random.ts'
import { drawHabits, type Habits } from './habits.ts'
import type { Change, Fault, History, Kill, Sync } from './history.ts'
import { TYPES, type ServedType } from './served-state.ts'

/** More than the statements and file operations of most runs, so that some run to their end. */
const STEPS_MAX = 240

export function drawHistory(seed: string): History {
  const random = randomFrom(`model ${seed}`)
  const habits = drawHabits(random)
  const isKilled = random.chance(0.5)
  const draw = new Draw(random, habits)
  const syncs = random.whole(2, 5)
  const steps = Array.from({ length: syncs }, (_, place) => [
    ...draw.changes(place === 0 ? random.whole(6, 20) : random.whole(0, 8)),
    draw.sync(`${seed}.${place}`, isKilled, place === 0),
  ]).flat()
  return { seed, habits, steps: [...draw.opening, ...steps, ...draw.changes(random.whole(0, 5))] }
}

class Draw {
  private readonly random: Random
  private readonly habits: Habits
  private readonly patients: readonly string[]
  private content = 0

  constructor(random: Random, habits: Habits) {
    this.random = random
    this.habits = habits
    this.patients = Array.from({ length: random.whole(2, 5) }, (_, place) => `p${place}`)
  }

  /** The first patient is there, and in the Group: an empty one is taken for one that the server no longer knows. */
  get opening(): Change[] {
    return [
      { do: 'put', type: 'Patient', id: 'p0', content: this.nextContent() },
      { do: 'join', patient: 'p0' },
    ]
  }

  changes(count: number): Change[] {
    return Array.from({ length: count }, () => this.change())
  }

  sync(seed: string, isKilled: boolean, isFirst: boolean): Sync {
    const { random } = this
    return {
      do: 'sync',
      full: random.chance(0.15),
      seed,
      fault: random.chance(0.2) ? this.fault() : undefined,
      meanwhile: random.chance(isFirst ? 0.2 : 0.35) ? this.changes(random.whole(1, 8)) : [],
      kill: isKilled && random.chance(0.6) ? this.kill() : undefined,
    }
  }

  private change(): Change {
    const { random } = this
    const hasGroup = this.habits.group !== undefined
    return random.weighted<() => Change>([
      [8, () => ({ do: 'put', ...this.place(), content: this.nextContent() })],
      [1.5, () => ({ do: 'touch', ...this.place() })],
      [1, () => ({ do: 'restore', ...this.place() })],
      [4, () => ({ do: 'remove', ...this.removable() })],
      [2, () => ({ do: 'wait', ms: random.pick([400, 2_000, 61_000, 600_000, 7_200_000, 90_000_000]) })],
      [hasGroup ? 4 : 0, () => ({ do: random.chance(0.55) ? 'join' : 'leave', patient: this.patient(hasGroup) })],
      [0.07, () => ({ do: 'backup', syncsAgo: random.whole(1, 2) })],
    ])()
  }

  private nextContent(): number {
    this.content += 1
    return this.content
  }

  private patient(exceptFirst: boolean): string {
    return this.random.pick(exceptFirst ? this.patients.slice(1) : this.patients)
  }

  private place(): { type: ServedType; id: string } {
    const type = this.random.pick(TYPES)
    const patient = this.patient(false)
    return { type, id: type === 'Patient' ? patient : `${patient}-${this.random.whole(1, 2)}` }
  }

  private removable(): { type: ServedType; id: string } {
    for (;;) {
      const place = this.place()
      if (place.type !== 'Patient' || place.id !== 'p0') return place
    }
  }

  private fault(): Fault {
    const kinds = ['lost', 'failing', 'damaged', 'short', 'message'] as const
    return { kind: this.random.pick(kinds), type: this.random.pick(TYPES) }
  }

  private kill(): Kill {
    return {
      step: this.random.whole(1, STEPS_MAX),
      moment: this.random.pick(['before', 'during', 'after'] as const),
      forgets: this.random.chance(0.15),
    }
  }
}
