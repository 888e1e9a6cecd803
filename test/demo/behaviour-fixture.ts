/** One demo server for a file of tests, whose behaviour is plain again before each of them. */
import { afterAll, beforeAll, beforeEach } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { PLAIN_BEHAVIOUR, type DemoBehaviour } from '../../src/demo/behaviour.ts'
import { startDemoServer, type DemoServer, type DemoServerOptions } from '../../src/demo/server.ts'

export interface BehaviourFixture {
  readonly server: DemoServer
  /** Epoch milliseconds of the server's clock, which stands still. */
  nowMs: number
  behave(behaviour: Partial<DemoBehaviour>): void
}

/** The server's jobs are done with the first poll, unless told otherwise. */
export function behaviourFixture(options: DemoServerOptions = {}): BehaviourFixture {
  let server: DemoServer | undefined
  const fixture: BehaviourFixture = {
    nowMs: Date.parse('2026-03-01T12:00:00Z'),
    get server() {
      return server!
    },
    behave(behaviour) {
      server!.behaviour = { ...server!.behaviour, ...behaviour }
    },
  }
  beforeAll(async () => {
    const clock = { ...systemClock, now: () => new Date(fixture.nowMs) }
    server = await startDemoServer({ patients: 3, seed: 8, clock, ...options })
  })
  beforeEach(() => {
    server!.behaviour = { ...PLAIN_BEHAVIOUR, pollsBeforeDone: 0 }
  })
  afterAll(() => server?.stop())
  return fixture
}
