/** The mistakes of one view, gathered where they are found, so that all of them are named at once. */
import { ViewError, type ViewPlace } from './view-error.ts'

export class Mistakes {
  private readonly found: ViewError[] = []
  private place: ViewPlace

  constructor(place: ViewPlace = {}) {
    this.place = place
  }

  /** Runs `work`. A mistake in it is kept, with its place, and `instead` stands for what it would have given. */
  attempt<T>(place: ViewPlace, work: () => T, instead: T): T {
    const outer = this.place
    this.place = { ...outer, ...place }
    try {
      return work()
    } catch (error) {
      if (!(error instanceof ViewError)) throw error
      this.add(error)
      return instead
    } finally {
      this.place = outer
    }
  }

  add(error: ViewError): void {
    const placed = error.within(this.place)
    if (!this.found.some((one) => one.message === placed.message)) this.found.push(placed)
  }

  /** Whether something is wrong at this path of the JSON or below it; without one, anywhere. */
  areIn(path = ''): boolean {
    return this.found.some((one) => (one.place.path ?? '').startsWith(path))
  }

  /** @throws ViewError: the first mistake, which names all. */
  check(): void {
    const first = this.found[0]
    if (first) throw first.naming(this.found)
  }
}
