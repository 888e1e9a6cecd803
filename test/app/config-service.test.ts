/** What the long-running worker reads of the configuration: its rhythm, its page, whom it tells. */
import { describe, expect, test } from 'vitest'
import { loadText, mistakesOf } from './config-folder.ts'

const SOURCE = 'lake: lake\nsources:\n  - {name: a, baseUrl: "https://a.example", auth: {kind: none}, level: system}\n'
const TOKEN = 'f3a1c05d9b7e4482aa51'

const load = (yaml: string, files = {}, env = {}) => loadText(`${SOURCE}${yaml}`, files, env)
const wrong = async (yaml: string, files = {}, env = {}) => {
  const mistakes = await mistakesOf(`${SOURCE}${yaml}`, files, env)
  return mistakes.map(({ path, problem }) => `${path}: ${problem}`)
}

test('without a word of it, the page is on loopback and nobody else is told', async () => {
  const { worker, http, query, cohorts, reports } = await load('')
  expect({ worker, http, query, cohorts, reports }).toEqual({
    worker: { sourcesAtOnce: 2, jitterSeconds: 60 },
    http: { host: '127.0.0.1', port: 8650, isLoopback: true, token: undefined },
    query: { seconds: 60, rows: 1_000_000 },
    cohorts: [],
    reports: { openLineage: undefined, bulkLog: undefined },
  })
})

describe('http.listen', () => {
  test.each([
    ['127.0.0.1:80', '127.0.0.1', 80, true],
    ['"[::1]:8650"', '::1', 8650, true],
    ['localhost:0', 'localhost', 0, true],
    ['0.0.0.0:8650', '0.0.0.0', 8650, false],
    ['"[::]:8650"', '::', 8650, false],
    ['stoker.example.org:8650', 'stoker.example.org', 8650, false],
  ])('%s', async (listen, host, port, isLoopback) => {
    const { http } = await load(`http: {listen: ${listen}, tokenEnv: T}\n`, {}, { T: TOKEN })
    expect(http).toMatchObject({ host, port, isLoopback })
    expect(http?.token?.reveal()).toBe(TOKEN)
  })

  test('none: there is no page', async () => {
    expect((await load('http: {listen: none}\n')).http).toBeUndefined()
  })

  test.each(['8650', '127.0.0.1', '127.0.0.1:99999', 'http://127.0.0.1:80', '::1:8650', ':8650'])(
    '%s is no address',
    async (listen) => {
      expect(await wrong(`http: {listen: "${listen}"}\n`)).toEqual(['http.listen: is no address with a port'])
    },
  )

  test.each(['0.0.0.0:8650', '[::]:8650', '10.0.0.7:8650'])('%s needs a token', async (listen) => {
    const needed = 'http.listen: other machines could reach it, and no token is asked of them'
    expect(await wrong(`http: {listen: "${listen}"}\n`)).toEqual([needed])
  })

  test('a token that can be guessed is refused, one that is not there is told once', async () => {
    const yaml = 'http: {listen: "0.0.0.0:8650", tokenEnv: T}\n'
    expect(await wrong(yaml, {}, { T: 'secret' })).toEqual(['http.tokenEnv: the token is too short'])
    expect(await wrong(yaml)).toEqual(['http.tokenEnv: the environment variable T is not set'])
  })
})

describe('reports.openLineage', () => {
  test('a file beside the configuration, and an endpoint', async () => {
    const yaml =
      'reports: {openLineage: {file: events.ndjson, url: "https://m.example/v1", tokenEnv: T, namespace: n}}\n'
    const { openLineage } = (await load(yaml, {}, { T: TOKEN })).reports
    expect(openLineage).toMatchObject({ namespace: 'n', file: expect.stringMatching(/\/events\.ndjson$/) as string })
    expect(openLineage?.url?.href).toBe('https://m.example/v1')
    expect(openLineage?.token?.reveal()).toBe(TOKEN)
  })

  test('neither', async () => {
    const nowhere = 'reports.openLineage.url: says nowhere where the events go'
    expect(await wrong('reports: {openLineage: {namespace: n}}\n')).toEqual([nowhere])
  })

  test('a token does not cross the network in the clear', async () => {
    const clear = 'reports.openLineage.url: would send tokens and patients in the clear over http'
    expect(await wrong('reports: {openLineage: {url: "http://m.example/v1"}}\n')).toEqual([clear])
  })
})
