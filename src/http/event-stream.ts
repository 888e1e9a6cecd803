/** What happens in the worker, to any number of listeners up to a limit: server-sent events with numbers. */
import type { Clock } from '../core/clock.ts'
import type { Control, ServiceEvent } from '../service/control.ts'
import { snakeKeys } from './json-keys.ts'
import { Refused } from './refused.ts'

export const LISTENERS_MAX = 64
/** So many of the last events are there for somebody who lost the connection. */
const KEPT = 2_000
/** What may wait for a listener that reads slowly; then its connection ends, and it may come again. */
const WAITING_BYTES_MAX = 1 << 20
/** So often a silent stream says that it is there: less than proxies and browsers wait. */
const BEAT_MS = 15_000

interface Frame {
  readonly id: number
  readonly bytes: Uint8Array
}

interface Listener {
  send(bytes: Uint8Array): void
  end(): void
}

/**
 * A stream begins with an event `hello`, `{sources, heartbeat, missed}`: how things stand, and whether events since the one
 * that was named are lost. What follows are {@link ServiceEvent}s under the names of their kinds.
 */
export class EventStream {
  private readonly control: Control
  private readonly clock: Clock
  private readonly kept: Frame[] = []
  private readonly listeners = new Set<Listener>()
  private readonly over = new AbortController()
  /** Events of another process have other numbers behind another word. */
  private readonly life: string
  private last = 0
  private stopping = false

  constructor(control: Control, clock: Clock) {
    this.control = control
    this.clock = clock
    this.life = control.startedAt.getTime().toString(36)
  }

  /** Of the newest event, as listeners have it. */
  get lastId(): string {
    return this.idText(this.last)
  }
  get isStopping(): boolean {
    return this.stopping
  }
  get listenerCount(): number {
    return this.listeners.size
  }

  /** Listens to the worker until {@link stop}. */
  async run(): Promise<void> {
    const leave = this.control.subscribe((event) => this.tell(event))
    try {
      for (;;) {
        await this.clock.sleep(BEAT_MS, this.over.signal)
        this.send(BEAT)
      }
    } catch (error) {
      if (!this.over.signal.aborted) throw error
    } finally {
      leave()
      for (const listener of [...this.listeners]) listener.end()
    }
  }

  stop(): void {
    this.over.abort()
  }

  /**
   * @param lastId of the last event that the listener has, if it was here before
   * @throws Refused when there are too many
   */
  listen(lastId: string | undefined): ReadableStream<Uint8Array> {
    if (this.listeners.size >= LISTENERS_MAX || this.over.signal.aborted) throw tooMany()
    const since = this.since(lastId)
    let listener: Listener | undefined
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          const end = () => {
            if (this.listeners.delete(listener!)) controller.close()
          }
          const send = (bytes: Uint8Array) => {
            controller.enqueue(bytes)
            if ((controller.desiredSize ?? 0) < 0) end()
          }
          listener = { send, end }
          this.listeners.add(listener)
          controller.enqueue(
            this.hello(since === undefined ? this.lastId : lastId!, since === undefined && lastId !== undefined),
          )
          for (const { bytes } of since ?? []) controller.enqueue(bytes)
        },
        cancel: () => {
          this.listeners.delete(listener!)
        },
      },
      new ByteLengthQueuingStrategy({ highWaterMark: WAITING_BYTES_MAX }),
    )
  }

  private tell(event: ServiceEvent): void {
    if (event.kind === 'stopping') this.stopping = true
    this.last += 1
    const bytes = frame(this.lastId, event.kind, event)
    this.kept.push({ id: this.last, bytes })
    if (this.kept.length > KEPT) this.kept.shift()
    this.send(bytes)
  }

  private send(bytes: Uint8Array): void {
    for (const listener of [...this.listeners]) listener.send(bytes)
  }

  /** Events after that one; undefined where they are no longer known. */
  private since(lastId: string | undefined): Frame[] | undefined {
    const [, life, number] = /^([0-9a-z]{1,12})-(\d{1,15})$/.exec(lastId ?? '') ?? []
    if (life !== this.life || number === undefined) return undefined
    const first = this.kept[0]?.id ?? this.last + 1
    return Number(number) + 1 >= first ? this.kept.filter(({ id }) => id > Number(number)) : undefined
  }

  private hello(id: string, missed: boolean): Uint8Array {
    return frame(id, 'hello', { sources: this.control.sources(), heartbeat: this.control.heartbeat, missed })
  }

  private idText(number: number): string {
    return `${this.life}-${number}`
  }
}

const text = new TextEncoder()
const BEAT = text.encode(': here\n\n')

function frame(id: string, kind: string, value: object): Uint8Array {
  return text.encode(`id: ${id}\nevent: ${kind}\ndata: ${JSON.stringify(value, snakeKeys)}\n\n`)
}

function tooMany(): Refused {
  return new Refused(503, 'HTTP_TOO_MANY_LISTENERS', 'too many are listening already', {
    retryable: true,
    hint: 'close pages that nobody looks at',
    headers: { 'Retry-After': '30' },
  })
}
