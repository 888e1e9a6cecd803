/** A task that does one thing over and over, with a pause that it names itself and that anybody may cut short. */
import type { Clock } from '../core/clock.ts'
import { isAbort } from '../core/errors.ts'
import type { Task } from '../core/task.ts'

export class Repeating implements Task {
  readonly id: string
  private readonly clock: Clock
  private readonly step: () => Promise<number>
  private isStopped = false
  private isWoken = false
  private pause: AbortController | undefined
  private running: Promise<void> | undefined

  /** @param step gives the milliseconds until it is to be called again */
  constructor(id: string, clock: Clock, step: () => Promise<number>) {
    this.id = id
    this.clock = clock
    this.step = step
  }

  run(): Promise<void> {
    this.running = this.repeat()
    return this.running
  }

  /** The next step comes now, or right after the one under way. */
  wake(): void {
    this.isWoken = true
    this.pause?.abort()
  }

  async stop(): Promise<void> {
    this.isStopped = true
    this.wake()
    // Its error is run()'s to tell.
    await this.running?.catch(() => undefined)
  }

  private async repeat(): Promise<void> {
    while (!this.isStopped) {
      this.isWoken = false
      const ms = await this.step()
      if (this.isWoken) continue
      this.pause = new AbortController()
      try {
        await this.clock.sleep(ms, this.pause.signal)
      } catch (error) {
        if (!isAbort(error)) throw error
      } finally {
        this.pause = undefined
      }
    }
  }
}
