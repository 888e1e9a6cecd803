/** Each mistake in a configuration is told with its place, what is wrong and the way out; all of them at once. */
import { generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ConfigError } from '../../src/app/config-findings.ts'
import { loadConfig } from '../../src/app/config.ts'
import { MACHINE_BYTES, OWN_VIEWS, RSA_PEM, brief, loadText, makeFolder, mistakesOf } from './config-folder.ts'

const TOP = 'lake: lake\nviews: {shipped: false, folders: [views]}\n'
const SOURCE = `${TOP}sources:
  - name: one
    baseUrl: https://fhir.example.org/r4
    auth: {kind: none}
    level: system
`

/** The one mistake of the smallest configuration after `from` became `to`. */
async function only(from: string, to: string, files: Record<string, string> = {}, env: NodeJS.ProcessEnv = {}) {
  const mistakes = await mistakesOf(SOURCE.replace(from, to), files, env)
  expect(mistakes, brief(mistakes).join('\n')).toHaveLength(1)
  return mistakes[0]!
}

const withAuth = (auth: string, files: Record<string, string> = {}, env: NodeJS.ProcessEnv = {}) =>
  only('{kind: none}', auth, files, env)
const withLine = (line: string) => only('level: system', `level: system\n    ${line}`)
const withTop = (line: string) => only('lake: lake', `lake: lake\n${line}`)

test('every mistake of a file is listed at once, in the order of the file', async () => {
  const mistakes = await mistakesOf(`lake: 7
memoryLimit: 1 G
view: {}
sources:
  - name: one
    baseUrl: fhir.example.org/r4
    auth:
      kind: private-key-jwt
      keyFile: keys/gone.pem
      clientID: me
    level: pacient
    types: [Patient, Observations]
  - name: one
    baseUrl: http://fhir.example.org
    auth: {kind: bearer, tokenEnv: NOT_SET}
    level: group
    schedule: {cron: often, timeZone: Europe/Berln}
    downloads: 4
`)
  expect(mistakes.map(({ line, column, path }) => `${line}:${column} ${path}`)).toEqual([
    '1:7 lake',
    '2:14 memoryLimit',
    '3:1 view',
    '6:14 sources[0].baseUrl',
    '9:16 sources[0].auth.keyFile',
    '10:7 sources[0].auth.clientID',
    '11:12 sources[0].level',
    '12:22 sources[0].types[1]',
    '13:5 sources[1].group',
    '13:11 sources[1].name',
    '14:14 sources[1].baseUrl',
    '15:36 sources[1].auth.tokenEnv',
    '17:22 sources[1].schedule.cron',
    '17:39 sources[1].schedule.timeZone',
    '18:5 sources[1].downloads',
  ])
})

test('the error reads as a list of file:line:column, with a way out for each', async () => {
  const folder = await makeFolder({ 'stoker.yaml': SOURCE.replace('level: system', 'levle: system'), ...OWN_VIEWS })
  const file = join(folder, 'stoker.yaml')
  const error: unknown = await loadConfig(file, {}, MACHINE_BYTES).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(ConfigError)
  expect((error as ConfigError).code).toBe('CONFIG_INVALID')
  expect((error as ConfigError).retryable).toBe(false)
  expect((error as ConfigError).message).toContain(
    `  ${file}:7:5 sources[0].levle: there is no such key. Did you mean 'level' (required)?`,
  )
})

test('a file that is not there is an error of its own', async () => {
  const folder = await makeFolder({})
  await expect(loadConfig(join(folder, 'stoker.yaml'), {})).rejects.toMatchObject({ code: 'CONFIG_UNREADABLE' })
})

describe('keys and shapes', () => {
  test('an unknown key names the nearest right one', async () => {
    expect(await withLine('relase: true')).toMatchObject({
      path: 'sources[0].relase',
      line: 8,
      column: 5,
      wayOut: "Did you mean 'release'?",
    })
  })

  test.each([
    ['a required one', 'level: system', 'levle: system', "Did you mean 'level' (required)?"],
    ['the Group', 'level: system', 'level: group\n    gruop: a', "Did you mean 'group'?"],
    ['a secret', '{kind: none}', '{kind: bearer, tokenfile: a.txt}', "Did you mean 'tokenFile'?"],
    ['a secret by variable', '{kind: none}', '{kind: bearer, tokenenv: A}', "Did you mean 'tokenEnv'?"],
    ['the way to a secret', '{kind: none}', '{kind: bearer, token: abc}', /^Put it in a file of its own/],
  ])('an unknown key in place of %s is one mistake, not a missing one besides', async (_name, from, to, wayOut) => {
    expect((await only(from, to)).wayOut).toMatch(wayOut)
  })

  test('a key cut short names the one it is the beginning of', async () => {
    expect((await withLine('since: {overlap: 60}')).wayOut).toBe("Did you mean 'overlapSeconds'?")
  })

  test.each([
    ['no', 'Write false.'],
    ['On', 'Write true.'],
  ])('%s for a flag is text in this YAML, and answered with the word for it', async (word, wayOut) => {
    expect(await withLine(`release: ${word}`)).toMatchObject({ problem: 'must be true or false, and is text', wayOut })
  })

  test('a number for a size names its unit, and no quotes', async () => {
    expect((await withTop('memoryLimit: 0')).wayOut).toBe('Write it like 512MB or 1GiB or 8GB.')
  })

  test('an unknown key that is like none lists the keys there are', async () => {
    expect((await withTop('zzz: 1')).wayOut).toMatch(/^The keys here are lake, views, /)
  })

  test('a missing key is told with what it means', async () => {
    const found = await only('    baseUrl: https://fhir.example.org/r4\n', '')
    expect(found).toMatchObject({ path: 'sources[0].baseUrl', problem: 'is missing' })
    expect(found.wayOut).toContain('FHIR base URL')
  })

  test.each([
    ['a number for a name', 'name: one', 'name: 1', 'must be text, and is a number', 'Put it in quotes.'],
    ['a name with a slash', 'name: one', 'name: a/b', /^has characters/, /Small letters/],
    ['an empty value', 'lake: lake', 'lake:', 'has no value', /Folder/],
    ['a text for a list', '[views]', 'views', 'must be a list, and is text', 'Put it in brackets: [this].'],
    ['an unknown kind', '{kind: none}', '{kind: privat-key-jwt}', /^is none/, "Did you mean 'private-key-jwt'?"],
    ['no kind of auth', '{kind: none}', '{}', 'is missing', /Add it/],
    ['no source at all', /sources:[^]*/, 'sources: []', 'is empty', /Fill it/],
  ])('%s is told', async (_name, from, to, problem, wayOut) => {
    const found = await only(from as string, to)
    expect(found.problem).toMatch(problem)
    expect(found.wayOut).toMatch(wayOut)
  })

  test.each([
    ['downloads: 0', 'is less than 1'],
    ['downloads: 65', 'is more than 64'],
    ['threads: 1.5', 'must be a whole number, and is a number'],
    ['memoryLimit: 512', 'must be text, and is a number'],
    ['memoryLimit: 1G', 'is no size'],
    ['memoryLimit: 1 MiB', 'is too little'],
  ])('%s is refused', async (line, problem) => {
    expect(await withTop(line)).toMatchObject({ line: 2, problem })
  })

  test('more memory than the machine has is a warning', async () => {
    const config = await loadText(`memoryLimit: 9GiB\n${SOURCE}`)
    expect(config.warnings).toMatchObject([{ path: 'memoryLimit', line: 1 }])
  })
})

describe('YAML itself', () => {
  test.each([
    ['a tab', 'lake: x\nviews:\n\tshipped: true\n', /tab|indentation/],
    ['a key that stands there twice', `lake: other\n${SOURCE}`, /twice/],
    ['two documents', `${SOURCE}---\n${SOURCE}`, /second document/],
    ['an unknown alias', 'lake: *x\n', /alias/],
  ])('%s is told with its line', async (_name, yaml, problem) => {
    const [first] = await mistakesOf(yaml)
    expect(first?.problem).toMatch(problem)
    expect(first?.line).toBeGreaterThan(0)
  })

  const LIST = 'lake: x\nsources:\n  - name: a\n'
  test.each([
    [
      'deeper than the key above',
      `${LIST}     baseUrl: y\n    level: z\n`,
      '4:6',
      /deeper .* has its value/,
      /column 5/,
    ],
    ['deeper at the top', 'lake: x\n  downloads: 1\n', '2:3', /deeper/, /column 1/],
    ['as no line above it', `${LIST}   baseUrl: y\n    level: z\n`, '4:4', /by 3 spaces, as no line/, /same column/],
    ['a list that comes back halfway', 'a:\n    - b: c\n  - d: e\n', '3:3', /by 2 spaces, as no line/, /same column/],
    ['a dash without its space', 'sources:\n  -name: a\n   level: b\n', '2:3', /space .* after the dash/, /"- name/],
    [
      'a colon without its space',
      `${LIST}    level:system\n    group: b\n`,
      '4:11',
      /space .* after the colon/,
      /key:/,
    ],
    ['a key without its colon', 'lake: x\nsources\n  - name: a\n', '2:1', /colon is missing/, /key:/],
    ['a bracket left open', `${LIST}    auth: {kind: none\n    level: b\n`, '5:5', /bracket .* is not closed/, /Close/],
    ['a quote left open', "lake: 'hush4711\nsources: []\n", '3:1', /quote .* is not closed/, /Close/],
  ])('%s is one mistake, told with its place in plain words', async (_name, yaml, place, problem, wayOut) => {
    const mistakes = await mistakesOf(yaml)
    expect(mistakes, brief(mistakes).join('\n')).toHaveLength(1)
    expect(`${mistakes[0]!.line}:${mistakes[0]!.column}`).toBe(place)
    expect(mistakes[0]!.problem).toMatch(problem)
    expect(mistakes[0]!.wayOut).toMatch(wayOut)
    expect(JSON.stringify(mistakes)).not.toContain('hush4711')
  })

  test('an empty file is told what it needs', async () => {
    expect(brief(await mistakesOf(''))).toMatchObject([
      expect.stringMatching(/^1:1 : the file is empty \| The keys here are lake, /),
    ])
  })

  test('anchors and aliases keep their places', async () => {
    const yaml = SOURCE.replace('{kind: none}', '&in {kind: none}')
    const second = '  - {name: two, baseUrl: https://b.example, auth: *in, level: system, release: 3}\n'
    expect(await mistakesOf(yaml + second)).toMatchObject([{ path: 'sources[1].release', line: 8 }])
  })

  test('an alias that unfolds without end is refused', async () => {
    const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]']
    for (const [name, of] of ['ba', 'cb', 'dc', 'ed']) {
      bomb.push(`${name}: &${name} [${Array(9).fill(`*${of}`).join(', ')}]`)
    }
    expect((await mistakesOf(bomb.join('\n')))[0]?.problem).toMatch(/alias/)
  })
})

describe('resource types', () => {
  test('a type FHIR does not have names the nearest', async () => {
    expect(await withLine('types: [Patient, Condtion]')).toMatchObject({
      path: 'sources[0].types[1]',
      problem: 'FHIR has no type Condtion',
      wayOut: "Did you mean 'Condition'?",
    })
  })

  test("a server's own type is refused, because it may hold secrets", async () => {
    expect((await withLine('types: [ClientApplication]')).problem).toBe('FHIR has no type ClientApplication')
  })

  test('types of R4, R4B and R5 are all known', async () => {
    const yaml = `${SOURCE}    types: [DeviceUseStatement, Citation, ActorDefinition]\n`
    expect((await loadText(yaml)).sources[0]?.types).toHaveLength(3)
  })

  test('a type named twice is told', async () => {
    expect((await withLine('types: [Patient, Patient]')).problem).toBe('Patient stands here twice')
  })

  test('no types and no views is a mistake, never everything', async () => {
    const found = await only('folders: [views]', 'folders: []')
    expect(found).toMatchObject({ path: 'sources[0].types', problem: 'is missing, and there are no views' })
  })

  test('a view of your own on a type that no source loads is a warning', async () => {
    const config = await loadText(`${SOURCE}    types: [Patient, Observation]\n`)
    expect(config.warnings).toMatchObject([
      {
        path: 'views.folders[0]',
        line: 2,
        problem: 'condition.json is a view of Condition, which no source loads: its table stays empty',
        wayOut: 'Add Condition to types of a source, or move the view away.',
      },
    ])
    expect((await loadText(SOURCE)).warnings).toEqual([])
  })

  test('a views folder that is not there, or holds something else, is told', async () => {
    expect((await only('[views]', '[wievs]')).path).toBe('views.folders[0]')
    expect((await only('', '', { 'views/other.json': '{}' })).problem).toMatch(/other\.json is no ViewDefinition$/)
  })
})

describe('URLs', () => {
  const withBase = (url: string) => only('https://fhir.example.org/r4', url)

  test.each([
    ['fhir.example.org/r4', 'is no URL', /https:\/\//],
    ['https://', 'is no URL', /host/],
    ['ftp://fhir.example.org', 'has the scheme ftp', /https/],
    ['https://fhir.example.org/r4/metadata', 'ends in metadata', /base URL only/],
    ['https://fhir.example.org/r4/$export', 'ends in $export', /base URL only/],
    ['https://fhir.example.org/r4?x=1', /query/, /base URL only/],
    ['http://fhir.example.org/r4', /in the clear/, /allowHttp: true/],
    ['http://localhost.example.org', /in the clear/, /allowHttp: true/],
  ])('%s is refused', async (url, problem, wayOut) => {
    const found = await withBase(url)
    expect(found.problem).toMatch(problem)
    expect(found.wayOut).toMatch(wayOut)
  })

  test('a password in a URL is refused and not repeated', async () => {
    const found = await withBase('https://me:hush@fhir.example.org')
    expect(JSON.stringify(found)).not.toContain('hush')
    expect(found.problem).toBe('carries a user name or password')
  })

  test.each(['http://localhost:8080/fhir', 'http://127.0.0.1:1/', 'http://[::1]:1/', 'http://a.localhost/'])(
    '%s is this machine and needs no permission',
    async (url) => {
      await expect(loadText(SOURCE.replace('https://fhir.example.org/r4', url))).resolves.toBeDefined()
    },
  )

  test('http to another machine is allowed on purpose', async () => {
    const yaml = SOURCE.replace('https:', 'http:').replace('level: system', 'level: system\n    allowHttp: true')
    expect((await loadText(yaml)).sources[0]?.baseUrl.protocol).toBe('http:')
  })

  test('a token origin is an origin and no more', async () => {
    const found = await withLine('tokenOrigins: [https://files.example.org/a]')
    expect(found).toMatchObject({ path: 'sources[0].tokenOrigins[0]', problem: 'is more than an origin' })
    expect((await withLine('tokenOrigins: [http://files.example.org]')).problem).toMatch(/in the clear/)
  })
})

describe('level', () => {
  test('a group needs its id, bare', async () => {
    expect((await only('level: system', 'level: group')).path).toBe('sources[0].group')
    const found = await only('level: system', 'level: group\n    group: Group/1')
    expect(found.wayOut).toBe('Give the bare id: 123, not Group/123.')
  })

  test('a group at another level is told', async () => {
    expect((await withLine('group: a')).problem).toBe('has no meaning at level system')
  })
})

describe('times', () => {
  test.each([
    ['often', /five fields/],
    ['2026-01-01T00:00:00', /five fields/],
    ['99 2 * * *', 'is no cron pattern'],
    ["'0 0 30 2 *'", 'names a time that never comes'],
  ])('the schedule %s is refused', async (cron, problem) => {
    expect((await withLine(`schedule: {cron: ${cron}}`)).problem).toMatch(problem)
  })

  test('a time zone that does not exist names the nearest', async () => {
    const found = await withLine("schedule: {cron: '0 2 * * *', timeZone: Europe/Berln}")
    expect(found.wayOut).toBe("Did you mean 'Europe/Berlin'?")
  })

  test.each(['1900-01-01', '1900-01-01T00:00:00', '2026-02-30T00:00:00Z', 'yesterday'])(
    'firstLoad %s is refused',
    async (instant) => {
      expect((await withLine(`since: {firstLoad: "${instant}"}`)).problem).toBe('is no FHIR instant')
    },
  )

  test('firstLoad with an offset and fractions is an instant', async () => {
    const config = await loadText(`${SOURCE}    since: {firstLoad: '2020-02-29T23:59:59.5+05:30'}\n`)
    expect(config.sources[0]?.since.firstLoad).toBe('2020-02-29T23:59:59.5+05:30')
  })
})

describe('secrets', () => {
  const CANARY = 'hush4711'
  const key = (options: string) => `{kind: private-key-jwt, clientId: me, ${options}}`
  const secret = (options: string) => `{kind: client-secret, clientId: me, ${options}}`

  test.each([
    [secret(`clientSecret: ${CANARY}`), 'clientSecretFile'],
    [secret(`password: ${CANARY}`), 'clientSecretFile'],
    [`{kind: bearer, token: ${CANARY}}`, 'tokenFile'],
    [key(`privateKey: ${CANARY}`), 'keyFile'],
  ])('%s is answered with the way to do it', async (auth, wayOut) => {
    const mistakes = await mistakesOf(SOURCE.replace('{kind: none}', auth))
    expect(mistakes.map((each) => each.problem)).toContain('a secret must not stand in this file')
    expect(mistakes.map((each) => each.wayOut).join('\n')).toContain(wayOut)
    expect(JSON.stringify(mistakes)).not.toContain(CANARY)
  })

  test.each([
    `{kind: bearer, tokenEnv: ${CANARY}}`,
    `{kind: bearer, tokenEnv: "${CANARY}+/="}`,
    `{kind: bearer, tokenFile: ${CANARY}}`,
    `{kind: bearer, tokenFile: eyJ0.${CANARY}}`,
    key(`keyFile: "-----BEGIN PRIVATE KEY-----\\n${CANARY}"`),
    `{kind: bearer, tokenFile: '${CANARY}`,
  ])('a secret in the wrong place is never repeated: %s', async (auth) => {
    expect(JSON.stringify(await mistakesOf(SOURCE.replace('{kind: none}', auth)))).not.toContain(CANARY)
  })

  test('two ways for one secret, and none, are told', async () => {
    const two = await withAuth(key('keyFile: a.pem, keyEnv: A'), { 'a.pem': RSA_PEM }, { A: RSA_PEM })
    expect(two).toMatchObject({ path: 'sources[0].auth.keyEnv', problem: 'is given beside keyFile' })
    expect((await withAuth(key('keyId: a'))).wayOut).toMatch(/keyFile .* or keyEnv/)
  })

  test('a missing file is told with the place where it was looked for', async () => {
    expect((await withAuth(key('keyFile: keys/a.pem'))).problem).toMatch(/^there is no file \/.*\/keys\/a\.pem$/)
  })

  test('an environment variable that is not set, or empty, is named', async () => {
    const problem = async (env: NodeJS.ProcessEnv) => (await withAuth('{kind: bearer, tokenEnv: A_T}', {}, env)).problem
    expect(await problem({})).toBe('the environment variable A_T is not set')
    expect(await problem({ A_T: ' ' })).toBe('the environment variable A_T is empty')
  })

  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' })
  const pem = { type: 'pkcs8', format: 'pem' } as const
  const locked = { ...pem, cipher: 'aes-256-cbc', passphrase: 'x' }
  const jwk = p384.privateKey.export({ format: 'jwk' })

  test.each([
    ['nonsense', 'nonsense', /is no private key/],
    ['a public key', p384.publicKey.export({ type: 'spki', format: 'pem' }).toString(), /public key/],
    ['a public JWKS', JSON.stringify({ keys: [p384.publicKey.export({ format: 'jwk' })] }), /public key/],
    ['cut JSON', '{"kty": "EC"', /no JWK/],
    ['a protected key', p384.privateKey.export(locked).toString(), /passphrase/],
    ['a small RSA key', generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export(pem).toString(), /kind/],
    ['a JWK without its halves', JSON.stringify({ ...jwk, x: undefined }), /not whole/],
  ])('%s as key file is told', async (_name, text, problem) => {
    expect((await withAuth(key('keyFile: a.key'), { 'a.key': text })).problem).toMatch(problem)
  })

  test('an algorithm that the key can not sign is told with those it can', async () => {
    const found = await withAuth(key('keyFile: a.pem, algorithm: ES384'), { 'a.pem': RSA_PEM })
    expect(found.wayOut).toBe('Set algorithm to RS384 or RS256, or leave it out.')
  })

  test('a JWKS without the named key is told, one with it loads', async () => {
    const jwks = JSON.stringify({
      keys: [
        { ...jwk, kid: 'a' },
        { ...jwk, kid: 'b' },
      ],
    })
    expect((await withAuth(key('keyFile: a.json, keyId: c'), { 'a.json': jwks })).problem).toMatch(/no key c/)
    await expect(
      loadText(SOURCE.replace('{kind: none}', key('keyFile: a.json, keyId: b')), { 'a.json': jwks }),
    ).resolves.toBeDefined()
  })
})
