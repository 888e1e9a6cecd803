import { describe, expect, test } from 'vitest'
import { breaksReaders, columnChanges, refuseBreaking } from '../../../src/warehouse/tables/column-changes.ts'

const BEFORE = [
  { name: 'id', type: 'VARCHAR' },
  { name: 'value', type: 'DOUBLE' },
]

describe('what a changed view does to its readers', () => {
  test('a column more, or another order, breaks nobody', () => {
    const change = columnChanges('t', BEFORE, [...BEFORE, { name: 'unit', type: 'VARCHAR' }].reverse())
    expect(change).toEqual({ table: 't', isGone: false, gained: ['unit'], lost: [], retyped: [] })
    expect(breaksReaders(change)).toBe(false)
    refuseBreaking([change])
  })

  test('rows of deleted resources that are no longer to be kept are told of once, not for each table', () => {
    const kept = [...BEFORE, { name: '_deleted_at', type: 'TIMESTAMPTZ' }]
    const changes = ['t', 'u'].map((table) => columnChanges(table, kept, BEFORE))
    expect(() => refuseBreaking(changes)).toThrow(
      /what is published may break:\n {2}_deleted_at, and the rows of what is deleted, go from 2 tables \(deletions: remove\)$/,
    )
  })

  test('a column less, another type, or no table any more is refused by name, all at once', () => {
    const changes = [
      columnChanges('t', BEFORE, [{ name: 'value', type: 'VARCHAR' }]),
      columnChanges('u', BEFORE, undefined),
    ]
    expect(() => refuseBreaking(changes)).toThrow(
      expect.objectContaining({
        code: 'VIEWS_BREAK_READERS',
        message: expect.stringContaining(
          't loses id\n  t.value becomes VARCHAR, and is DOUBLE\n  table u goes: no view has its name',
        ) as string,
        hint: expect.stringContaining('stoker rebuild --allow-breaking') as string,
      }),
    )
  })
})
