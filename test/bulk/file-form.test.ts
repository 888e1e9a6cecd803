import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { failureOf } from './client-fixture.ts'
import { fileServed } from './file-fixture.ts'
import { outcome, reply } from './oddity-server.ts'

const LINES = [
  '{"resourceType":"Patient","id":"a","name":[{"family":"Zoë 😀"}]}',
  '{"resourceType":"Observation","id":"b","valueQuantity":{"value":1.50}}',
  '{"id":"c","meta":{},"resourceType":"Patient","x":[12345678901234567890,-0.0,1E+2,true,null,{},[]]}',
]
const NDJSON = LINES.map((line) => `${line}\n`).join('')
const ARRAY = `[\n  ${LINES.join(',\n  ')}\n]`
const ENTRIES = LINES.map((line, n) => `{"fullUrl":"urn:uuid:${n}","resource":${line},"search":{"mode":"match"}}`)
const BUNDLE = `{"resourceType":"Bundle","type":"searchset","entry":[${ENTRIES.join(',')}],"total":3}`
const SORTED = `{"entry":[${ENTRIES.join(',')}],"resourceType":"Bundle","type":"collection"}`
const PRETTY = laidOut(LINES[2]!)
const TYPES = ['application/fhir+json', 'application/json', 'application/octet-stream', 'text/plain', '', 'text/html']

/** JSON over many lines, with its numbers as they are. */
function laidOut(json: string): string {
  return json.replace(/([{[,])(?=[^\]}])/g, '$1\n  ').replace(/":(?=["{[\d])/g, '": ')
}

function binary(content: string | Buffer, contentType = 'application/fhir+ndjson'): string {
  const data = Buffer.from(content).toString('base64')
  return `{"resourceType":"Binary","contentType":"${contentType}","data":"${data}"}`
}

const TURNED: [what: string, body: string, expected: string, form: string[]][] = [
  ['a JSON array', ARRAY, NDJSON, ['json-array']],
  ['a JSON array on one line', `[${LINES.join(',')}]`, NDJSON, ['json-array']],
  ['an empty JSON array', ' [ ]\n', '', ['json-array']],
  ['a Bundle on one line', BUNDLE, NDJSON, ['bundle']],
  ['a Bundle over many lines', laidOut(BUNDLE), NDJSON, ['bundle']],
  ['a Bundle with CRLF after a blank line', `\r\n${laidOut(BUNDLE).replaceAll('\n', '\r\n')}`, NDJSON, ['bundle']],
  ['a Bundle whose keys are sorted (Google)', laidOut(SORTED), NDJSON, ['bundle']],
  ['an empty Bundle', '{"resourceType":"Bundle","type":"searchset","total":0}', '', ['bundle']],
  [
    'a Bundle with an entry that has no resource, which is left to be a reject',
    `{"resourceType":"Bundle","entry":[{"request":{"method":"DELETE","url":"Patient/1"}},{"resource":${LINES[0]!}}]}`,
    `{"request":{"method":"DELETE","url":"Patient/1"}}\n${LINES[0]!}\n`,
    ['bundle'],
  ],
  ['one resource over many lines', PRETTY, `${LINES[2]!}\n`, ['pretty-json']],
  ['resources over many lines, one after another', LINES.map(laidOut).join('\n'), NDJSON, ['pretty-json']],
  ['a Binary (HAPI)', binary(NDJSON), NDJSON, ['binary']],
  ['a Binary over many lines', laidOut(binary(NDJSON)), NDJSON, ['binary']],
  ['a Binary that does not say of what', binary(NDJSON, ''), NDJSON, ['binary']],
  ['a Binary with white space and escapes in it', binary(NDJSON).replace(/(.{76})/g, '$1\\r\\n'), NDJSON, ['binary']],
  ['a Binary of nothing', '{"resourceType":"Binary","contentType":"application/fhir+ndjson"}', '', ['binary']],
  ['a Binary of gzip', binary(gzipSync(NDJSON), 'application/gzip'), NDJSON, ['binary']],
  ['a Binary of a JSON array', binary(ARRAY), NDJSON, ['binary', 'json-array']],
  ['a Binary of a Bundle', binary(laidOut(BUNDLE)), NDJSON, ['binary', 'bundle']],
  ['a Binary in a Binary, once', binary(`${binary('{}')}\n`), `${binary('{}')}\n`, ['binary']],
]

describe('where NDJSON should be', () => {
  test.each(TURNED)('%s becomes NDJSON, with its numbers as they were', async (_, body, expected, form) => {
    const { fetched, forms, server } = await fileServed(reply(200, { 'Content-Type': 'application/fhir+ndjson' }, body))
    expect(await fetched()).toBe(expected)
    expect([forms, server.asked.length]).toEqual([form, 1])
  })

  test.each(TYPES)('a form is known by its content, also as %j', async (type) => {
    for (const [body, expected] of [
      [ARRAY, NDJSON],
      [NDJSON, NDJSON],
      [binary(NDJSON), NDJSON],
    ] as const) {
      const { fetched } = await fileServed(reply(200, type === '' ? {} : { 'Content-Type': type }, body))
      expect(await fetched()).toBe(expected)
    }
  })

  test.each(TURNED.slice(0, 10))('%s, behind a byte order mark, becomes the same', async (_, body, expected) => {
    const { fetched } = await fileServed(reply(200, {}, `\ufeff${body}`))
    expect(await fetched()).toBe(expected)
  })

  test.each([
    ['an array', (lines: string) => `[${lines}]`],
    [
      'a Bundle',
      (lines: string) => `{"resourceType":"Bundle","entry":[{"resource":${lines.split('\n').join('},{"resource":')}}]}`,
    ],
    ['a Binary', (lines: string) => binary(lines.replaceAll(',\n', '\n'))],
  ])('%s of 5 MB on one line becomes NDJSON', async (what, wrap) => {
    const lines = Array.from(
      { length: 5_000 },
      (_, n) => `{"resourceType":"Patient","id":"p${n}","x":"${'é'.repeat(500)}"}`,
    )
    const { fetched } = await fileServed(
      reply(200, {}, wrap(lines.join(what === 'an array' || what === 'a Binary' ? ',\n' : '\n'))),
    )
    expect((await fetched()).trimEnd()).toBe(lines.join('\n'))
  })

  test.each([
    ['a web page', '<!DOCTYPE html><html><body>Sign in, SECRET</body></html>', /web page/],
    ['a web page after a comment and blanks', '\n\n<!-- SECRET --><html>', /web page/],
    [
      'XML',
      '<?xml version="1.0"?><Bundle xmlns="http://hl7.org/fhir"><id value="SECRET"/></Bundle>',
      /XML.*asks for ndjson/,
    ],
    ['XML of one resource', '<Patient xmlns="http://hl7.org/fhir"><id value="SECRET"/></Patient>', /XML/],
    [
      'a page of a search',
      `{"resourceType":"Bundle","link":[{"relation":"next","url":"http://x/SECRET"}],"entry":[]}`,
      /one page/,
    ],
    ['a JSON array that breaks off', ARRAY.slice(0, -30), /broken/],
    ['a JSON array with a hole', `[{"a":"SECRET"},,{}]`, /broken/],
    [
      'a Bundle with a hole',
      `{"resourceType":"Bundle",\n"entry":[{"resource":{"a":"SECRET"}}\n${' '.repeat(400_000)}}\n`,
      /broken/,
    ],
    ['a resource over many lines that breaks off', laidOut(LINES[2]!).slice(0, -9), /broken/],
    ['an array that is no UTF-8', Buffer.from('[{"a":"\xe9"}]', 'latin1'), /UTF-8/],
    ['a Binary of a web page', binary('<html>SECRET</html>'), /web page/],
    ['a Binary whose data is no base64', '{"resourceType":"Binary","contentType":"ndjson","data":"SECRET*"}', /base64/],
    ['an OperationOutcome', JSON.stringify(outcome('expired', 'gone')), /OperationOutcome.*expired: gone/],
    ['an OperationOutcome over many lines', JSON.stringify(outcome('expired', 'gone'), null, 2), /expired: gone/],
    ['an OperationOutcome in a Binary', binary(JSON.stringify(outcome('expired', 'gone'))), /expired: gone/],
  ])('%s is BULK_FILE_LOST, at once, in words without content', async (_, body, words) => {
    const { fetched, server } = await fileServed(reply(200, { 'Content-Type': 'application/fhir+ndjson' }, body))
    const error = await failureOf(fetched())
    expect(error).toMatchObject({ code: 'BULK_FILE_LOST', retryable: false })
    expect(error.message).toMatch(words)
    expect(JSON.stringify([error.message, error.hint, error.facts])).not.toContain('SECRET')
    expect(server.asked.length).toBe(1)
  })

  test('an OperationOutcome is told with its code and severity', async () => {
    const { fetched } = await fileServed(reply(200, {}, outcome('not-found', 'no such file')))
    expect((await failureOf(fetched())).facts).toEqual({ step: 'file', issue: 'not-found', severity: 'error' })
  })
})

const DELETED =
  '{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"DELETE","url":"Patient/1"}}]}'
const OUTCOME = JSON.stringify(outcome('processing', 'x'))

test.each([
  ['deleted', undefined, 'a Bundle', `${DELETED}\n`, `${DELETED}\n`],
  ['deleted', undefined, 'a Bundle without a last line feed', DELETED, DELETED],
  ['deleted', undefined, 'a Bundle over many lines', JSON.stringify(JSON.parse(DELETED), null, 2), `${DELETED}\n`],
  ['deleted', undefined, 'an array of Bundles', `[${DELETED},${DELETED}]`, `${DELETED}\n${DELETED}\n`],
  ['error', undefined, 'an OperationOutcome', OUTCOME, OUTCOME],
  [
    'error',
    undefined,
    'an OperationOutcome over many lines',
    JSON.stringify(JSON.parse(OUTCOME), null, 2),
    `${OUTCOME}\n`,
  ],
  ['output', 'Bundle', 'a Bundle', BUNDLE, BUNDLE],
  ['output', 'Bundle', 'a Bundle over many lines', laidOut(BUNDLE), `${BUNDLE}\n`],
  ['output', 'Binary', 'a Binary', binary(NDJSON), binary(NDJSON)],
] as const)('in a file of kind %s and type %s, %s is a resource', async (kind, type, _, body, expected) => {
  const { fetched } = await fileServed(reply(200, { 'Content-Type': 'application/json' }, body))
  expect(await fetched({ kind, type })).toBe(expected)
})

const LONG = 'x'.repeat(1_500_000)

test.each([
  ['of one line', `${LINES[0]!}\n`],
  ['without a last line feed', NDJSON.slice(0, -1)],
  ['with CRLF', NDJSON.replaceAll('\n', '\r\n')],
  ['behind a byte order mark', `\ufeff${NDJSON}`],
  ['after blank lines (HAPI)', `\n \r\n\t${NDJSON}`],
  ['of blank lines', '\n\n \n'],
  ['of many Bundles', `${BUNDLE}\n${BUNDLE}\n`],
  ['of many Binaries', `${binary(NDJSON)}\n${binary(NDJSON)}\n`],
  ["of one Binary that is a patient's", `${binary('%PDF-1.7', 'application/pdf')}\n`],
  ['of one Binary that has no data', '{"resourceType":"Binary","contentType":"application/pdf"}\n'],
  ['whose first line is an OperationOutcome', `${OUTCOME}\n${NDJSON}`],
  ['whose first line is longer than is looked for', `{"resourceType":"Patient","id":"1","x":"${LONG}"}\n${NDJSON}`],
  ['whose first line breaks off', `{"resourceType":"Patient","name":[\n${NDJSON}`],
  ['whose first line breaks off before a value', `{"resourceType":"Patient","contact":\n${LINES[0]!}\n`],
  ['whose only line breaks off', '{"resourceType":"Patient","id":"a'],
  ['whose first line has a line feed in a text', `{"resourceType":"Patient","id":"a\nb"}\n${NDJSON}`],
  ['whose first line has more after its end', `{"resourceType":"Patient"}}\n${NDJSON}`],
  ['whose first line is an array of no resources', `[1,2]\n${NDJSON}`],
  ['of record separators (RFC 7464)', LINES.map((line) => `\u001e${line}\n`).join('')],
  ['that is a text', 'Service unavailable\n'],
  ['that is a JSON text', '"Service unavailable"\n'],
  ['that is nothing', ''],
])('NDJSON %s arrives byte for byte', async (_, body) => {
  for (const type of ['application/fhir+ndjson', 'application/json']) {
    const { fetched, forms } = await fileServed(reply(200, { 'Content-Type': type }, body))
    expect((await fetched()) === body).toBe(true)
    expect(forms).toEqual([])
  }
})

test('NDJSON that is no UTF-8 arrives byte for byte', async () => {
  const bytes = Buffer.from('{"resourceType":"Patient","id":"a","x":"\xe9"}\n', 'latin1')
  const { download } = await fileServed(reply(200, {}, bytes))
  expect((await download()).equals(bytes)).toBe(true)
})

test('a web page of no markup is BULK_FILE_LOST by its Content-Type', async () => {
  const { fetched } = await fileServed(reply(200, { 'Content-Type': 'text/html' }, 'Please sign in'))
  expect((await failureOf(fetched())).message).toContain('web page')
})
