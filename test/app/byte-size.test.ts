/** Sizes are read as written: decimal units are decimal, binary ones binary, and a missing unit is no guess. */
import { expect, test } from 'vitest'
import { parseByteSize } from '../../src/app/byte-size.ts'

test.each([
  ['512MB', 512_000_000],
  ['512 MiB', 536_870_912],
  ['2 GiB', 2_147_483_648],
  ['1.5gb', 1_500_000_000],
  ['10 kB', 10_000],
  ['7B', 7],
])('%s is %d bytes', (text, bytes) => {
  expect(parseByteSize(text)).toBe(bytes)
})

test.each(['512', '1G', '1 M', '-1MB', '1e3MB', 'MB', '', '1,5GB', '9999999TB'])('"%s" is no size', (text) => {
  expect(parseByteSize(text)).toBeUndefined()
})
