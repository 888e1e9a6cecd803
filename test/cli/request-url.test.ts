/** Addresses as they may be shown. */
import { expect, test } from 'vitest'
import { cutEnd, cutMiddle } from '../../src/cli/request-url.ts'
import { shownUrl } from '../../src/ledger/shown-url.ts'

test('of a request the parameters of the specification are shown, and no other one', () => {
  expect(shownUrl('https://ehr.example/fhir/$export?_type=Patient,Condition&_since=2026-01-01T00%3A00%3A00Z')).toBe(
    'https://ehr.example/fhir/$export?_type=Patient,Condition&_since=2026-01-01T00:00:00Z',
  )
  const told = shownUrl('https://key:word@cdn.example/manifest.json?sig=s3cr3t&patient=Patient/1&_type=Patient#part')
  expect(told).toBe('https://cdn.example/manifest.json?sig=…&patient=…&_type=Patient')
  expect(shownUrl('no address?sig=s3cr3t')).toBe('no address')
})

test('an address too long for a column keeps its beginning, and a file its name', () => {
  expect(cutEnd('https://ehr.example/$export?_type=Patient', 20)).toBe('https://ehr.example…')
  expect(cutMiddle('https://ehr.example/a/long/way/Patient.ndjson', 31)).toBe('https://ehr.exa…/Patient.ndjson')
  expect([cutEnd('short', 5), cutMiddle('short', 5)]).toEqual(['short', 'short'])
})
