/** A page of a manifest that is looked at again, and has changed meanwhile: nothing is lost, and little told twice. */
import { expect, test } from 'vitest'
import { clientFor } from './client-fixture.ts'
import { MANIFEST, reply, startOddityServer } from './oddity-server.ts'

const file = (name: string, type = 'Patient') => ({ type, url: `/files/${name}`, count: 1 })

/** Places and names that each look brought, of a server that lists these files at one look after the other. */
async function looks(...lists: (string | object)[][]): Promise<string[][]> {
  const server = await startOddityServer()
  const bodies = lists.map((list) => ({
    ...MANIFEST,
    output: list.map((each) => (typeof each === 'string' ? file(each) : each)),
  }))
  server.on('GET /status', ...bodies.map((body) => reply(202, {}, body)), reply(200, {}, bodies.at(-1)))
  const { client, clock } = clientFor(server.baseUrl)
  const told: string[][] = []
  const options = {
    deadline: new Date(clock.now().getTime() + 3_600_000),
    onProgress: () => undefined,
    signal: new AbortController().signal,
    partial: true,
  }
  for await (const { output } of client.pages(`${server.origin}/status`, options)) {
    told.push(output.map(({ ordinal, url }) => `${ordinal} ${url.slice(url.lastIndexOf('/') + 1)}`))
  }
  return told
}

test('a page that has a new file in front of the others gives that file', async () => {
  expect(await looks(['a', 'b'], ['n', 'a', 'b'])).toEqual([['0 a', '1 b'], ['2 n']])
})

test('a page that has its files in another order, with a new one between, gives that one alone', async () => {
  expect(await looks(['a', 'b', 'c'], ['c', 'n', 'a', 'b'])).toEqual([['0 a', '1 b', '2 c'], ['3 n']])
})

test('a page that shows each time what is new alone loses none', async () => {
  expect(await looks(['a', 'b'], ['c'], ['d', 'e'])).toEqual([['0 a', '1 b'], ['2 c'], ['3 d', '4 e']])
})

test('a page that is signed anew as well gives what is new, wherever it stands', async () => {
  expect(await looks(['a?sig=1', 'b?sig=1'], ['n?sig=2', 'b?sig=2', 'a?sig=2'])).toEqual([
    ['0 a?sig=1', '1 b?sig=1'],
    ['2 n?sig=2'],
  ])
})

test('a page of which one file was signed anew, and another came, gives the other', async () => {
  expect(await looks(['a?sig=1', 'b?sig=1'], ['a?sig=2', 'n?sig=2', 'b?sig=1'])).toEqual([
    ['0 a?sig=1', '1 b?sig=1'],
    ['2 n?sig=2'],
  ])
})

test('a page of which files differ in their query alone loses none, signed or not', async () => {
  expect(await looks(['f?id=1', 'f?id=2'], ['f?id=3', 'f?id=1', 'f?id=2'])).toEqual([
    ['0 f?id=1', '1 f?id=2'],
    ['2 f?id=3'],
  ])
  expect(await looks(['f?id=1&sig=1', 'f?id=2&sig=1'], ['f?id=3&sig=2', 'f?id=1&sig=2', 'f?id=2&sig=2'])).toEqual([
    ['0 f?id=1&sig=1', '1 f?id=2&sig=1'],
    ['2 f?id=3&sig=2'],
  ])
})

test('a page that shows another file in place of the first, told apart by the query, loses none', async () => {
  expect(await looks(['f?id=1'], ['f?id=2'], ['f?id=3'])).toEqual([['0 f?id=1'], ['1 f?id=2'], ['2 f?id=3']])
})

test.each([
  ['Amazon', 'X-Amz-Date=1&X-Amz-Signature=1', 'X-Amz-Date=2&X-Amz-Signature=2'],
  ['Google', 'X-Goog-Expires=1&X-Goog-Signature=1', 'X-Goog-Signature=2&X-Goog-Expires=1'],
  ['CloudFront', 'Expires=1&Signature=1&Key-Pair-Id=K', 'Expires=2&Signature=2&Key-Pair-Id=L'],
  ['Azure', 'sv=2026-02-06&se=1&sr=b&sp=r&sig=1&skoid=1', 'sv=2026-02-06&se=2&sr=b&sp=r&sig=2&skoid=2'],
  ['a FHIR server of its own', 'access_token=1&exp=1&nonce=1', 'access_token=2&exp=2&nonce=2'],
])('a page that %s signed anew gives no file twice', async (_, first, second) => {
  expect(await looks([`f?v=1&${first}`], [`f?v=1&${second}`])).toEqual([[`0 f?v=1&${first}`]])
})

test('a page of which nobody can tell which came gives all of them again', async () => {
  expect(await looks(['f?sig=1'], ['f?sig=2', 'f?sig=3'])).toEqual([['0 f?sig=1'], ['1 f?sig=2', '2 f?sig=3']])
})

test('a page whose very paths are other ones gives all of them again', async () => {
  expect(await looks(['1/a', '1/b'], ['2/a', '2/b'])).toEqual([
    ['0 a', '1 b'],
    ['2 a', '3 b'],
  ])
})

test('a page that has the same file under another type gives that entry', async () => {
  expect(await looks(['f'], [file('f', 'Group'), file('f')])).toEqual([['0 f'], ['1 f']])
})
