/** Places for runs that work at the same time: a run that only waits for its server gives its own to the others. */
import { unlessAborted } from '../bulk/http/unless-aborted.ts'

interface Ticket {
  readonly had: Promise<void>
  readonly give: () => void
  isHeld: boolean
}

export class Places {
  private atOnce: number
  private held = 0
  /** Of runs under way that have work again, the one first that has waited longest. */
  private readonly line: Ticket[] = []
  private readonly onFree: () => void

  /** @param onFree called when a place is free and no run that is under way wants it */
  constructor(atOnce = Infinity, onFree: () => void = () => undefined) {
    this.atOnce = atOnce
    this.onFree = onFree
  }

  /** Whether a run that began now would have a place at once. Those under way go first. */
  get isFree(): boolean {
    return this.held < this.atOnce && this.line.length === 0
  }

  resize(atOnce: number): void {
    this.atOnce = atOnce
    this.serve()
  }

  /** For a run that begins. */
  enter(): Place {
    return new Place(this)
  }

  /** Of {@link Place} alone. */
  ask(): Ticket {
    let give!: () => void
    const had = new Promise<void>((resolve) => (give = resolve))
    const ticket = { had, give, isHeld: false }
    this.line.push(ticket)
    this.serve()
    return ticket
  }

  giveBack(ticket: Ticket): void {
    if (ticket.isHeld) this.held -= 1
    else this.line.splice(this.line.indexOf(ticket), 1)
    this.serve()
  }

  private serve(): void {
    while (this.held < this.atOnce && this.line.length > 0) {
      const ticket = this.line.shift()!
      ticket.isHeld = true
      this.held += 1
      ticket.give()
    }
    if (this.isFree) this.onFree()
  }
}

/** What one run has of them: one at most, however much of it goes on at once. */
export class Place {
  private readonly places: Places
  private works = 1
  private ticket: Ticket | undefined
  private isBeginning = true

  constructor(places: Places) {
    this.places = places
    this.ticket = places.ask()
  }

  /** A run holds the place that it began with until it first turns to its server; from then on, {@link during} work. */
  yield(): void {
    if (!this.isBeginning) return
    this.isBeginning = false
    this.leave()
  }

  /** Begins when the run has a place, and keeps it. @param onQueued called once where it has to wait */
  async during<T>(signal: AbortSignal, work: () => Promise<T>, onQueued?: () => void): Promise<T> {
    const isNew = this.ticket === undefined
    this.take()
    try {
      if (isNew && !this.ticket!.isHeld) onQueued?.()
      await unlessAborted(this.ticket!.had, signal)
      return await work()
    } finally {
      this.leave()
    }
  }

  /** Within {@link during}: waits without it. */
  async aside<T>(signal: AbortSignal, wait: () => Promise<T>): Promise<T> {
    return this.lending(signal, async (lend) => {
      lend()
      return wait()
    })
  }

  /** Within {@link during}: from the first `lend` on it goes on without it, and has it again before this ends. */
  async lending<T>(signal: AbortSignal, work: (lend: () => void) => Promise<T>): Promise<T> {
    let state: 'held' | 'lent' | 'over' = 'held'
    const lend = () => {
      if (state !== 'held') return
      state = 'lent'
      this.yield()
      this.leave()
    }
    try {
      return await work(lend)
    } finally {
      const isLent = (state as string) === 'lent'
      state = 'over'
      if (isLent) {
        this.take()
        await unlessAborted(this.ticket!.had, signal)
      }
    }
  }

  private take(): void {
    this.works += 1
    this.ticket ??= this.places.ask()
  }

  private leave(): void {
    this.works -= 1
    if (this.works > 0) return
    this.places.giveBack(this.ticket!)
    this.ticket = undefined
  }
}
