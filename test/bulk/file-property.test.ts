import fc from 'fast-check'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { Opening } from '../../src/bulk/file/opening.ts'
import { Secrets } from '../../src/bulk/http/secrets.ts'
import { ndjsonOf } from '../../src/bulk/file/ndjson.ts'
import { glance } from '../../src/bulk/file/glance.ts'
import { buffer } from 'node:stream/consumers'
import { Readable } from 'node:stream'
import { cut } from './file-fixture.ts'

const RUNS = { numRuns: 300, seed: 20261121 }

const pieces = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 })
const resource = fc
  .record({ id: fc.string({ unit: 'binary', maxLength: 8 }), value: fc.jsonValue({ maxDepth: 2 }) })
  .map((rest) => ({ resourceType: 'Patient', ...rest }))
const resources = fc.array(resource, { maxLength: 5 })

/** Every form a server may put the same resources in, by the white space it likes. */
const FORMS: Readonly<Record<string, (lines: readonly object[], space: number) => string>> = {
  ndjson: (lines) => toLines(lines),
  'CRLF after a blank line': (lines) => `\r\n${toLines(lines).replaceAll('\n', '\r\n')}`,
  array: (lines, space) => JSON.stringify(lines, null, space),
  bundle: (lines, space) => JSON.stringify(bundleOf(lines), null, space),
  'sorted bundle': (lines, space) => JSON.stringify({ ...entriesOf(lines), resourceType: 'Bundle' }, null, space),
  binary: (lines, space) => JSON.stringify(binaryOf(toLines(lines)), null, space),
  'binary of a bundle': (lines, space) =>
    JSON.stringify(binaryOf(JSON.stringify(bundleOf(lines), null, space)), null, space),
  pretty: (lines, space) => lines.map((line) => JSON.stringify(line, null, space)).join('\n'),
}

const toLines = (lines: readonly object[]) => lines.map((line) => `${JSON.stringify(line)}\n`).join('')
const entriesOf = (lines: readonly object[]) => ({ entry: lines.map((each) => ({ fullUrl: 'urn:x', resource: each })) })
const bundleOf = (lines: readonly object[]) => ({ resourceType: 'Bundle', type: 'collection', ...entriesOf(lines) })
const binaryOf = (text: string) => ({
  resourceType: 'Binary',
  contentType: 'application/fhir+ndjson',
  data: Buffer.from(text).toString('base64'),
})

async function ndjson(bytes: Buffer, sizes: readonly number[]): Promise<string> {
  const body = new Opening()
  const facts = { kind: 'output', codings: [], unzipped: false, unwrapped: false, secrets: new Secrets() } as const
  const opened = ndjsonOf(body, facts, () => undefined)
  void body.feed(Readable.from(cut(bytes, sizes))).then(() => body.finish())
  return (await buffer(await opened)).toString('utf8')
}

test('however the bytes are cut, and whatever form they have, the NDJSON that comes out is the same', async () => {
  const parameters = [
    resources,
    fc.constantFrom(...Object.keys(FORMS)),
    fc.integer({ min: 0, max: 2 }),
    pieces,
    fc.boolean(),
    fc.boolean(),
  ] as const
  await fc.assert(
    fc.asyncProperty(...parameters, async (lines, form, space, sizes, zipped, marked) => {
      const text = `${marked ? '\ufeff' : ''}${FORMS[form]!(lines, space)}`
      const bytes = zipped ? gzipSync(text) : Buffer.from(text)
      const out = await ndjson(bytes, sizes)
      const parsed = out
        .replace(/^\ufeff/, '')
        .split(/\r?\n/)
        .filter((line) => line !== '')
      expect(parsed.map((line) => JSON.parse(line) as unknown)).toEqual(JSON.parse(JSON.stringify(lines)))
      if (form === 'ndjson') expect(out).toBe(text)
    }),
    RUNS,
  )
})

test('whatever the bytes are, and however they are cut, they arrive as they were or end with one error', async () => {
  const text = fc.string({
    unit: fc.constantFrom('{', '}', '[', ']', ',', ':', '"a"', '1', '\n', ' ', '"', '\\', 'é', '<', '\ufeff'),
    maxLength: 30,
  })
  await fc.assert(
    fc.asyncProperty(text, pieces, pieces, async (given, sizes, otherSizes) => {
      const run = (each: readonly number[]) => ndjson(Buffer.from(given), each).catch((error: Error) => error.message)
      expect(await run(sizes)).toBe(await run(otherSizes))
    }),
    RUNS,
  )
})

test('a glance tells JSON from what is none, as JSON.parse does, and a part of JSON from both', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.integer({ min: 0, max: 2 }), fc.nat(), (value, space, at) => {
      const text = JSON.stringify(value, null, space)
      const bytes = Buffer.from(`${text}\n`)
      expect(glance(bytes, 0)).toMatchObject({ state: 'whole', end: bytes.length - 1 })
      const place = at % bytes.length
      expect(glance(bytes.subarray(0, place), 0).state).not.toBe('wrong')
    }),
    RUNS,
  )
  const broken = fc.string({
    unit: fc.constantFrom('{', '}', '[', ']', ',', ':', '"a"', '1', '\n', '-', '"', 'true'),
    maxLength: 12,
  })
  fc.assert(
    fc.property(broken, (text) => {
      const { state, end } = glance(Buffer.from(`${text}\n`), 0)
      let parsed = true
      try {
        JSON.parse(text)
      } catch {
        parsed = false
      }
      const isWhole = state === 'whole' && text.slice(end).trim() === ''
      expect(isWhole).toBe(parsed)
    }),
    { ...RUNS, numRuns: 3_000 },
  )
})
