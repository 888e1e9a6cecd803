/** The life of a source in the worker, as a table: what it does, what happens, what it does then. Pure. */
import type { SourceActivity } from './control.ts'

/**
 * scheduled: its time has come. retry: a failed run's time to be tried again. trigger: somebody asks. turn: a place is free.
 * Of a run: succeeded, failed (to be tried again), gaveUp (until its time comes, or somebody asks), stopped (with the
 * worker, or by an operator). withdrawn: an operator, or a new configuration, takes back what it waits for.
 */
export type LifeEvent =
  'scheduled' | 'retry' | 'trigger' | 'turn' | 'succeeded' | 'failed' | 'gaveUp' | 'stopped' | 'withdrawn'

export type LifeEffect = 'enqueue' | 'dequeue' | 'begin'

export interface LifeStep {
  readonly to: SourceActivity
  /** What the worker has to do about it. */
  readonly effect?: LifeEffect
}

type Row = Readonly<Record<LifeEvent, LifeStep | 'impossible'>>

const idle = { to: 'idle' } as const
const queued = { to: 'queued' } as const
const running = { to: 'running' } as const
const backingOff = { to: 'backing-off' } as const
const enqueue = { to: 'queued', effect: 'enqueue' } as const

const LIFE: Readonly<Record<SourceActivity, Row>> = {
  idle: {
    scheduled: enqueue,
    retry: idle,
    trigger: enqueue,
    turn: 'impossible',
    succeeded: 'impossible',
    failed: 'impossible',
    gaveUp: 'impossible',
    stopped: 'impossible',
    withdrawn: idle,
  },
  queued: {
    scheduled: queued,
    retry: queued,
    trigger: queued,
    turn: { to: 'running', effect: 'begin' },
    succeeded: 'impossible',
    failed: 'impossible',
    gaveUp: 'impossible',
    stopped: 'impossible',
    withdrawn: { to: 'idle', effect: 'dequeue' },
  },
  // A time that comes meanwhile is passed over: what the run asks for is no older than its beginning.
  running: {
    scheduled: running,
    retry: running,
    trigger: running,
    turn: 'impossible',
    succeeded: idle,
    failed: backingOff,
    gaveUp: idle,
    stopped: idle,
    withdrawn: running,
  },
  // The schedule does not hurry a source that is being spared; an operator does.
  'backing-off': {
    scheduled: backingOff,
    retry: enqueue,
    trigger: enqueue,
    turn: 'impossible',
    succeeded: 'impossible',
    failed: 'impossible',
    gaveUp: 'impossible',
    stopped: 'impossible',
    withdrawn: idle,
  },
}

/** @throws Error where the event can not be: a mistake of this program */
export function nextLife(from: SourceActivity, event: LifeEvent): LifeStep {
  const step = LIFE[from][event]
  if (step === 'impossible') throw new Error(`a source that is ${from} can not be told: ${event}`)
  return step
}
