/** Values that a view table lacks, in words. */
import { expect, test } from 'vitest'
import { lossText } from '../../src/worker/finding-text.ts'

test.each([
  ['dates', 12, 'patient: birth_date: 12 values were not dates'],
  ['dates', 1, 'patient: birth_date: 1 value was not a date'],
  ['true or false', 1, 'patient: birth_date: 1 value was not true or false'],
])('%s, %d of them', (wanted, count, text) => {
  expect(lossText({ place: 'patient: birth_date', wanted, count })).toBe(text)
})
