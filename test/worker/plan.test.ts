import { expect, test } from 'vitest'
import { planRun } from '../../src/worker/plan.ts'

const JAN = new Date('2026-01-01T00:00:00Z')
const FEB = new Date('2026-02-01T00:00:00Z')
const policy = { mode: 'incremental' as const, firstLoad: undefined, overlapSeconds: 300 }

test('a first run asks for the whole of every type in one export', () => {
  expect(planRun({ ...policy, types: ['Patient', 'Condition'], watermarks: new Map() })).toEqual({
    mode: 'full',
    exports: [{ types: ['Patient', 'Condition'], since: undefined, whole: true }],
  })
})

test('a server that gives one day only without _since is asked since an early day, and that counts as whole', () => {
  const plan = planRun({ ...policy, firstLoad: '1900-01-01T00:00:00Z', types: ['Patient'], watermarks: new Map() })
  expect(plan.exports).toEqual([{ types: ['Patient'], since: '1900-01-01T00:00:00Z', whole: true }])
})

test('a later run asks since the oldest watermark, less the overlap', () => {
  const watermarks = new Map([
    ['Patient', FEB],
    ['Condition', JAN],
  ])
  expect(planRun({ ...policy, types: ['Patient', 'Condition'], watermarks })).toEqual({
    mode: 'incremental',
    exports: [{ types: ['Patient', 'Condition'], since: '2025-12-31T23:55:00.000Z', whole: false }],
  })
})

test('a type without a watermark gets its whole history in an export of its own', () => {
  const plan = planRun({
    ...policy,
    overlapSeconds: 0,
    types: ['Patient', 'Claim'],
    watermarks: new Map([
      ['Patient', JAN],
      ['Gone', FEB],
    ]),
  })
  expect(plan).toEqual({
    mode: 'mixed',
    exports: [
      { types: ['Claim'], since: undefined, whole: true },
      { types: ['Patient'], since: '2026-01-01T00:00:00.000Z', whole: false },
    ],
  })
})

test('a full run asks for everything whatever the watermarks', () => {
  const plan = planRun({ ...policy, mode: 'full', types: ['Patient'], watermarks: new Map([['Patient', JAN]]) })
  expect(plan).toEqual({ mode: 'full', exports: [{ types: ['Patient'], since: undefined, whole: true }] })
})
