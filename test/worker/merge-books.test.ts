/** The books of a commit: each equation, broken once. */
import { expect, test } from 'vitest'
import { checkMergeBooks, imbalance, type MergeBooks } from '../../src/worker/merge-books.ts'

const type = { type: 'Patient', received: 5, inserted: 2, updated: 1, unchanged: 1, superseded: 1, deleted: 3 }
const view = { view_table: 'patient', view_hash: 'h', rows_removed: 4, rows_added: 3, rows: 9 }

const books: MergeBooks = {
  files: [
    { file: 1, kind: 'output', resources: 3 },
    { file: 2, kind: 'output', resources: 2 },
    { file: 3, kind: 'deleted', resources: 1 },
    { file: 4, kind: 'output', resources: 0 },
  ],
  raw: [
    { file: 1, type: 'Patient', resources: 3 },
    { file: 2, type: 'Patient', resources: 2 },
    { file: 3, type: 'Bundle', resources: 1 },
  ],
  types: [type],
  index: new Map([['Patient', 3]]),
  rowsBefore: new Map([['patient', 10]]),
  views: [view],
}

/** What is said of the books with a change. */
function said(change: Partial<MergeBooks>): string {
  try {
    checkMergeBooks({ ...books, ...change })
  } catch (error) {
    return (error as Error).message
  }
  return 'balanced'
}

test('books that balance say nothing, and neither do those of a run that received nothing', () => {
  expect(imbalance(books)).toBeUndefined()
  const nothing = { ...books, files: [], raw: [], types: [], index: new Map() }
  expect(imbalance({ ...nothing, views: [{ ...view, rows_removed: 0, rows_added: 0, rows: 10 }] })).toBeUndefined()
})

test('a file whose raw log holds more or less than landed is named with both numbers', () => {
  const [first, second, third] = books.raw
  expect(said({ raw: [first!, { ...second!, resources: 1 }, third!] })).toBe(
    'the books of file 2 do not balance: its raw log holds what landed (landed 2, found 1)',
  )
  expect(said({ raw: [first!, second!] })).toContain(
    'file 3 do not balance: its raw log holds what landed (landed 1, found 0)',
  )
  expect(said({ raw: [...books.raw, { file: 4, type: 'Patient', resources: 1 }] })).toContain('file 4')
  expect(said({ raw: [...books.raw, { file: 9, type: 'Patient', resources: 1 }] })).toContain(
    'file 9 do not balance: it was not to be merged',
  )
})

test('a type of which the merge received more or less than its files hold is named', () => {
  expect(said({ types: [{ ...type, received: 6, superseded: 2 }] })).toBe(
    'the books of Patient do not balance: received = in its files (received 6, in its files 5)',
  )
  expect(said({ types: [] })).toContain('Patient do not balance: received = in its files (received 0, in its files 5)')
})

test('a type whose received is not the sum of what became of it, or of a negative part, is named', () => {
  const sum = 'Patient do not balance: received = inserted + updated + unchanged + superseded'
  expect(said({ types: [{ ...type, unchanged: 2 }] })).toContain(
    `${sum} (received 5, inserted 2, updated 1, unchanged 2`,
  )
  expect(said({ types: [{ ...type, unchanged: 3, superseded: -1 }] })).toContain(sum)
})

test('a type of which the index has more or fewer new versions than were counted is named', () => {
  expect(said({ index: new Map() })).toBe(
    'the books of Patient do not balance: new in the index = inserted + updated (new in the index 0, inserted 2, updated 1)',
  )
})

test('a table whose rows are not those before, less removed, and added is named', () => {
  expect(said({ views: [{ ...view, rows: 10 }] })).toBe(
    'the books of table patient do not balance: rows = before - removed + added (rows 10, before 10, removed 4, added 3)',
  )
  expect(said({ rowsBefore: new Map() })).toContain('table patient')
})
