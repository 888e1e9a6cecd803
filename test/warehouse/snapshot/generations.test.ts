import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { generations } from '../../../src/warehouse/snapshot/generations.ts'

const runsOf = (rows: readonly number[]) => rows.map((each, i) => ({ run: i + 1, rows: each }))

describe('generations', () => {
  test('a small increment leaves the great first load alone', () => {
    const before = generations(runsOf([10_000_000]), 100_000)
    expect(generations(runsOf([10_000_000, 100_000]), 100_000).slice(0, 1)).toEqual(before)
  })

  test('hold every row once, in the order of runs, and each is smaller than the one before', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 1_000_000 }), { minLength: 1, maxLength: 200 }), (rows) => {
        const found = generations(runsOf(rows), 1000)
        const total = rows.reduce((a, b) => a + b, 0)
        expect(found.reduce((sum, each) => sum + each.rows, 0)).toBe(total)
        expect(found.map((each) => each.first)).toEqual([1, ...found.slice(0, -1).map((each) => each.last + 1)])
        for (const [i, each] of found.slice(1).entries()) expect(each.rows).toBeLessThan(found[i]!.rows)
      }),
    )
  })

  test('are few, and seldom written again, however many increments come', () => {
    let written = 0
    const rows = [10_000_000]
    for (let i = 0; i < 99; i += 1) {
      rows.push(100_000)
      const found = generations(runsOf(rows), 100_000)
      expect(found.length).toBeLessThanOrEqual(8)
      written += found.at(-1)!.rows
    }
    // 99 increments of 1 %: what is written for them is less than the whole table four times.
    expect(written).toBeLessThan(40_000_000)
  })
})
