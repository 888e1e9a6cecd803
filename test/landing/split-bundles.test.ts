import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { splitBundles } from '../../src/landing/split-bundles.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stoker-split-'))
})
afterAll(() => rm(folder, { recursive: true }))

const facts = { bytes: 1, lines: 1, blanks: 0, longestLineBytes: 1, bom: false, sha256: 'as received' }
const bundle = (from: number, to: number) => ({
  resourceType: 'Bundle',
  type: 'transaction',
  entry: Array.from({ length: to - from }, (_, i) => ({
    fullUrl: 'x',
    request: { method: 'DELETE', url: `Patient/${from + i}` },
  })),
})

async function split(text: string) {
  const path = join(folder, 'deleted.ndjson')
  await writeFile(path, text)
  const split = await splitBundles(path, facts)
  expect(await splitBundles(path, split)).toEqual(split)
  const lines = (await readFile(path, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as ReturnType<typeof bundle>)
  return { split, lines, urls: lines.flatMap((line) => line.entry.map((entry) => entry.request.url)) }
}

test('one Bundle of thousands, or several, pretty-printed or not, become lines of a thousand deletions each', async () => {
  const {
    split: facts,
    lines,
    urls,
  } = await split(`${JSON.stringify(bundle(0, 1500), null, 2)}\n${JSON.stringify(bundle(1500, 2500))}`)
  expect(urls).toEqual(Array.from({ length: 2500 }, (_, i) => `Patient/${i}`))
  expect(lines.map((line) => line.entry.length)).toEqual([1000, 1000, 500])
  expect(facts).toMatchObject({ lines: 3, blanks: 0, sha256: 'as received' })
})

test('the mark that stands in a blank line is passed over', async () => {
  const { urls } = await split(`\x1e\n${JSON.stringify(bundle(0, 2))}\n\x1e\n${JSON.stringify(bundle(2, 3))}\n`)
  expect(urls).toEqual(['Patient/0', 'Patient/1', 'Patient/2'])
})

test('a Bundle cut short is an error, not fewer deletions', async () => {
  await expect(split(JSON.stringify(bundle(0, 10)).slice(0, -20))).rejects.toMatchObject({
    code: 'LANDING_BUNDLE_UNREADABLE',
  })
})
