import { expect, test } from 'vitest'
import { percentDone } from '../../src/bulk/http/percent-done.ts'

test.each([
  ['21% complete, Please wait...', 21],
  ['Build in progress - Overall progress: 3 resource types, 42.9% complete', 42.9],
  ['Job is 45.00% complete', 45],
  ['reading Patient, 12 %', 12],
  ['33,33 % fertig', 33.3],
  ['0%', 0],
  ['100%', 100],
  ['3 of 10 files', 30],
  ['7/9 resource types', 77.8],
  ['1 out of 3', 33.3],
])('"%s" tells %d', (words, percent) => {
  expect(percentDone(words)).toBe(percent)
})

test.each([
  undefined,
  '',
  'in-progress',
  'reading Jane Doe',
  'patient 12345678',
  '250%',
  '-5%',
  '9 of 3',
  '0 of 0',
  'since 2026/11/21',
  '11/21/2026',
  '21.11.2026',
])('"%s" tells nothing', (words) => {
  expect(percentDone(words)).toBeUndefined()
})
