/** Exit codes by kind of error. */
import { expect, test } from 'vitest'
import { exitCodeOf } from '../../src/cli/exit-code.ts'
import { StokerError } from '../../src/core/errors.ts'

test.each([
  ['PAST_UNKNOWN', 2],
  ['PAST_FORGOTTEN', 2],
  ['USAGE_UNKNOWN_SOURCE', 2],
  ['RUNS_UNKNOWN', 2],
  ['QUERY_NO_SNAPSHOT', 2],
  ['LAKE_NONE', 2],
  ['STORE_FORBIDDEN', 3],
  ['STORE_LOCKED', 5],
])('%s ends with %i: what was named and is not there is the mistake of whoever named it', (code, exit) => {
  expect(exitCodeOf(new StokerError(code, ''))).toBe(exit)
})
