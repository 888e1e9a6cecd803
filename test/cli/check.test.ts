/** `stoker check` as a process, against the demo server and against nobody. */
import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { demoKeyPair } from '../../src/demo/demo-key-pair.ts'
import { startDemoServer } from '../../src/demo/server.ts'
import { makeFolder, stoker } from './command.ts'

/** A demo server, and a configuration for it that ends in `source`. */
async function configured(source: string) {
  const keys = await demoKeyPair()
  const server = await startDemoServer({ patients: 2, auth: keys })
  onTestFinished(() => server.stop())
  const folder = await makeFolder()
  await writeFile(join(folder, 'key.jwk'), JSON.stringify(keys.privateJwk), { mode: 0o600 })
  const config = join(folder, 'stoker.yaml')
  const lines = [
    'lake: lake',
    'sources:',
    '  - name: demo',
    `    baseUrl: ${server.baseUrl}`,
    `    auth: {kind: private-key-jwt, clientId: ${keys.clientId}, keyFile: key.jwk}`,
    ...source.split('\n').map((line) => `    ${line}`),
    '',
  ]
  await writeFile(config, lines.join('\n'))
  return { server, config }
}

interface Result {
  readonly sources: readonly { source: string; lines: readonly { step: string; verdict: string }[] }[]
}

test('a server that is well passes every step, and is asked for no export', async () => {
  const { server, config } = await configured('level: system\ntypes: [Patient, Condition]')
  const { code, stdout, stderr } = await stoker('check', '--config', config)
  expect(stderr).toBe('')
  const verdicts = stdout.split('\n').map((line) => line.replace(/ {2}.*/, ''))
  expect(
    verdicts.filter((word) => ['warning', 'failed', 'skipped'].includes(word)),
    stdout,
  ).toEqual([])
  expect(verdicts.filter((word) => word === 'ok').length).toBe(8)
  expect(stdout).toMatch(/ok {7}kick-off {7}a run would ask for GET .*\/\$export\?_type=Patient,Condition/)
  expect(stdout).toMatch(/\nnothing failed\n$/)
  expect(code).toBe(0)
  expect(server.requests.kickOffs).toBe(0)
  expect(server.requests.tokens).toBe(1)
})

test('an export is tried only where that is asked for, and deleted at once', async () => {
  const { server, config } = await configured('level: patient\nprofile: reference\ntrace: trace.log')
  const { code, stdout } = await stoker('check', 'demo', '--config', config, '--try-export', '--json')
  expect(code, stdout).toBe(0)
  const { sources } = JSON.parse(stdout) as Result
  expect(sources[0]!.lines.filter(({ step }) => step === 'export')).toMatchObject([
    { verdict: 'ok' },
    { verdict: 'ok' },
  ])
  const trace = await readFile(join(dirname(config), 'trace.log'), 'utf8')
  expect(trace).toContain('$export')
  expect(trace).not.toMatch(/Bearer \S*[A-Za-z0-9]{8}|eyJ/)
  expect(server.requests).toMatchObject({ kickOffs: 1, cancels: 1, polls: 0, downloads: 0 })
})

test('types that the server has and no view reads are named, unless the source names its types', async () => {
  const { config } = await configured('level: system')
  const { stdout } = await stoker('check', '--config', config)
  expect(stdout).toMatch(/\nok +discovery +not asked for, since no view reads them: Group\n +→ .*generate Group /)
  const { config: named } = await configured('level: system\ntypes: [Patient]')
  expect((await stoker('check', '--config', named)).stdout).not.toContain('not asked for')
})

test('a server that does not answer ends with 4, is told with its way out, and does not hide the rest', async () => {
  const { server, config } = await configured('level: system')
  await server.stop()
  const { code, stdout, stderr } = await stoker('check', '--config', config)
  expect(code).toBe(4)
  expect(stderr).toBe('')
  expect(stdout).toMatch(/ok {7}key /)
  expect(stdout).toMatch(/failed {3}server .* refuses the connection\n +→ nobody listens there/)
  expect(stdout).toMatch(/skipped {2}token /)
  expect(stdout).toMatch(/ok {7}kick-off /)
  expect(stdout).toMatch(/\n1 step failed\n$/)
})

test('what the same again will not mend ends with 3, though another source only does not answer', async () => {
  const { config } = await configured('level: system')
  const gone = '  - {name: gone, baseUrl: "http://127.0.0.1:1/fhir", auth: {kind: none}, level: system}\n'
  await writeFile(config, (await readFile(config, 'utf8')).replace('/fhir\n', '/fihr\n') + gone)
  const codes = [['demo'], ['gone'], []].map(async (names) => (await stoker('check', ...names, '-c', config)).code)
  expect(await Promise.all(codes)).toEqual([3, 4, 3])
})

test('a configuration with mistakes, and a source that is not in it, end with 2 before anything is asked', async () => {
  const { server, config } = await configured('level: sistem')
  const broken = await stoker('check', '--config', config)
  expect(broken).toMatchObject({ code: 2, stdout: '' })
  expect(broken.stderr).toContain("Did you mean 'system'?")
  const { config: good } = await configured('level: system')
  expect(await stoker('check', 'demmo', '--config', good)).toMatchObject({ code: 2 })
  expect(server.requests.discoveries).toBe(0)
})
