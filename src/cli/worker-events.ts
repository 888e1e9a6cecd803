/** Events of a running worker, out of its stream. HTML Living Standard, section 9.2 "Server-sent events". */
import type { ServiceEvent, SourceState } from '../service/control.ts'
import { camelRevived } from './revived-json.ts'

/** The first of a connection: how things stand, and whether events were missed since the last connection. */
export interface HelloEvent {
  readonly kind: 'hello'
  readonly sources: readonly SourceState[]
  readonly missed: boolean
}

export type WorkerEvent = { readonly id: string } & (HelloEvent | ServiceEvent)

/** An event of a kind that is not known is one of a newer worker: it is passed on, and nobody looks at it. */
export async function* workerEvents(stream: ReadableStream<Uint8Array>): AsyncGenerator<WorkerEvent> {
  let frame = { id: '', kind: '', data: '' }
  for await (const line of linesOf(stream)) {
    if (line === '') {
      if (frame.data !== '') yield eventOf(frame)
      frame = { ...frame, kind: '', data: '' }
    } else if (line.startsWith('id: ')) frame.id = line.slice(4)
    else if (line.startsWith('event: ')) frame.kind = line.slice(7)
    else if (line.startsWith('data: ')) frame.data += line.slice(6)
  }
}

/** Whether an event came after another of the same worker, by their ids. */
export function isAfter(id: string, other: string): boolean {
  return numberIn(id) > numberIn(other)
}

function numberIn(id: string): number {
  return Number(id.slice(id.indexOf('-') + 1))
}

function eventOf({ id, kind, data }: { id: string; kind: string; data: string }): WorkerEvent {
  return { ...(camelRevived(JSON.parse(data)) as WorkerEvent), id, ...(kind === 'hello' && { kind }) } as WorkerEvent
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const piece of stream as unknown as AsyncIterable<Uint8Array>) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split('\n')
    rest = lines.pop()!
    yield* lines
  }
}
