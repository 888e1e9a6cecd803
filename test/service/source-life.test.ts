import { describe, expect, test } from 'vitest'
import type { SourceActivity } from '../../src/service/control.ts'
import { nextLife, type LifeEvent } from '../../src/service/source-life.ts'

const EVENTS: readonly LifeEvent[] = [
  ...(['scheduled', 'retry', 'trigger', 'turn', 'succeeded', 'failed', 'gaveUp', 'stopped', 'withdrawn'] as const),
]

/** State after each event, in the order of EVENTS; + joins the line, - leaves it, ! begins a run, x can not be. */
const TABLE: Readonly<Record<SourceActivity, string>> = {
  idle: 'queued+ idle queued+ x x x x x idle',
  queued: 'queued queued queued running! x x x x idle-',
  running: 'running running running x idle backing-off idle idle running',
  'backing-off': 'backing-off queued+ queued+ x x x x x idle',
}
const MARKS = { enqueue: '+', dequeue: '-', begin: '!' }

const CELLS = Object.entries(TABLE).flatMap(([from, row]) => {
  const cells = row.split(' ')
  expect(cells).toHaveLength(EVENTS.length)
  return EVENTS.map((event, i) => [from as SourceActivity, event, cells[i]!] as const)
})

describe('every state of a source knows every event', () => {
  test.each(CELLS)('%s, told %s, is %s', (from, event, expected) => {
    if (expected === 'x') {
      expect(() => nextLife(from, event)).toThrow(`a source that is ${from} can not be told: ${event}`)
      return
    }
    const { to, effect } = nextLife(from, event)
    expect(`${to}${effect === undefined ? '' : MARKS[effect]}`).toBe(expected)
  })
})
