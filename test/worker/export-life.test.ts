import { describe, expect, test } from 'vitest'
import { StokerError } from '../../src/core/errors.ts'
import { nextStep, type ExportEvent } from '../../src/worker/export-life.ts'
import type { ExportState } from '../../src/ledger/exports.ts'

// Written anew, as the protocol has it, not taken from the code. `-`: it can not happen.
const TABLE = `
event        | planned   | requested    | ready        | landed         | released | over
taken        | requested | -            | -            | -              | -        | -
refused      | over      | over         | -            | -              | -        | -
complete     | -         | ready        | -            | -              | -        | -
gone         | -         | over         | -            | -              | -        | -
deadline     | -         | over         | -            | -              | -        | -
landed       | -         | -            | landed       | -              | -        | -
place-needed | -         | -            | -            | landed DELETE  | released | -
published    | -         | -            | -            | landed DELETE  | released | -
released     | -         | -            | -            | released       | -        | -
cancelled    | over      | over DELETE  | over DELETE  | over DELETE    | released | over DELETE`

const [head, ...lines] = TABLE.trim()
  .split('\n')
  .map((line) => line.split('|').map((cell) => cell.trim()))
const states = head!.slice(1) as ExportState[]
const cells = lines.flatMap(([event, ...row]) =>
  row.map((cell, place) => ({ state: states[place]!, event: event as ExportEvent, cell })),
)

describe('the life of an export', () => {
  test.each(cells)('$state, $event: $cell', ({ state, event, cell }) => {
    if (cell === '-') {
      expect(() => nextStep(state, event)).toThrow(StokerError)
    } else {
      const { to, release } = nextStep(state, event)
      expect(release ? `${to} DELETE` : to).toBe(cell)
    }
  })

  test('ends: from every state some events lead to its end, and what has ended stays so', () => {
    const events = lines.map(([event]) => event as ExportEvent)
    const reach = (from: ExportState, seen = new Set<ExportState>()): Set<ExportState> => {
      if (seen.has(from)) return seen
      seen.add(from)
      for (const event of events) {
        try {
          reach(nextStep(from, event).to, seen)
        } catch {
          // no such cell
        }
      }
      return seen
    }
    for (const state of states)
      expect([...reach(state)].some((each) => each === 'released' || each === 'over')).toBe(true)
    expect([...reach('over')]).toEqual(['over'])
    expect([...reach('released')]).toEqual(['released'])
  })
})
