/** The files of a run, as `stoker runs show` has them. */
import { expect, test } from 'vitest'
import { filesText } from '../../src/cli/run-files-text.ts'
import type { FileDetails } from '../../src/ledger/run-details.ts'

function file(number: number, tries: number | null): FileDetails {
  const counts = { claimed: null, bytes: 1, lines: 1, blanks: 0, resources: 1, rejects: 0, headers: 0 }
  const place = {
    export: 1,
    kind: 'output',
    ordinal: number,
    type: 'Patient',
    url: 'https://a/f',
    state: 'landed',
  } as const
  return { file: number, ...place, ...counts, sha256: 'ab', note: null, tries }
}

test('how many syncs could not have a file stands there by that name, and only where there was one', () => {
  expect(filesText({ files: [file(1, null)] }).split('\n')[0]).toMatch(/sha256$/)
  const lines = filesText({ files: [file(1, null), file(2, 2)] }).split('\n')
  expect(lines[0]).toMatch(/sha256 +syncs in vain$/)
  expect([lines[2], lines[4]].map((line) => /ab( +2)?$/.exec(line!)?.[1]?.trim())).toEqual([undefined, '2'])
})
