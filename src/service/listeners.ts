/** Those who want to know what happens in the worker. */
import type { Log } from '../core/log.ts'
import type { ServiceEvent } from './control.ts'
import { errorFacts } from './error-facts.ts'

export type ServiceListener = (event: ServiceEvent) => void

export class Listeners {
  private readonly log: Log
  private readonly listeners = new Set<{ readonly listener: ServiceListener }>()

  constructor(log: Log) {
    this.log = log
  }

  /** @returns takes it away */
  add(listener: ServiceListener): () => void {
    const entry = { listener }
    this.listeners.add(entry)
    return () => void this.listeners.delete(entry)
  }

  /** A listener that throws is at fault, not the run that tells. */
  tell(event: ServiceEvent): void {
    for (const { listener } of this.listeners) {
      try {
        listener(event)
      } catch (error) {
        this.log.error({ event: event.kind, ...errorFacts(error) }, 'a listener failed')
      }
    }
  }
}
