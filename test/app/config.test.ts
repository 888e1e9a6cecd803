/** A good configuration becomes checked values with defaults, absolute paths and wrapped secrets. */
import { readFile } from 'node:fs/promises'
import { dirname, isAbsolute, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/app/config.ts'
import { MACHINE_BYTES, OWN_VIEWS, RSA_PEM, loadText, makeFolder } from './config-folder.ts'

const SMALLEST = `
lake: lake
views: {shipped: false, folders: [views]}
sources:
  - name: one
    baseUrl: https://fhir.example.org/r4
    auth: {kind: none}
    level: system
`

describe('the smallest configuration', () => {
  test('gets every default', async () => {
    const config = await loadText(SMALLEST)
    expect(config).toMatchObject({
      memoryLimitBytes: 2 ** 30,
      threads: undefined,
      downloads: 4,
      keeping: {
        deletions: 'remove',
        rawLog: 'all',
        snapshots: { keep: 10, days: 2 },
        readers: 'owner',
        minimumFreeDiskBytes: 1e9,
      },
      warnings: [],
      sources: [
        {
          name: 'one',
          allowHttp: false,
          auth: { kind: 'none' },
          level: { kind: 'system' },
          since: { firstLoad: undefined, mode: 'incremental', overlapSeconds: 300 },
          schedule: undefined,
          tokenOrigins: [],
          deadlineHours: 720,
          release: true,
        },
      ],
    })
  })

  test('resolves its paths against its own folder, not the working directory', async () => {
    const config = await loadText(SMALLEST)
    const folder = dirname(config.file)
    expect(isAbsolute(config.file)).toBe(true)
    expect(config.lake).toBe(join(folder, 'lake'))
    expect(config.views).toEqual([join(folder, 'views')])
  })

  test('asks for the types its views know and for no other', async () => {
    const config = await loadText(SMALLEST)
    expect(config.sources[0]?.types).toEqual(['Condition', 'Patient'])
  })

  test('keeps the base path of the server, ready to be resolved against', async () => {
    const base = (await loadText(SMALLEST)).sources[0]!.baseUrl
    expect(new URL('metadata', base).href).toBe('https://fhir.example.org/r4/metadata')
  })

  test('takes half of a small machine instead of 1 GiB', async () => {
    const folder = await makeFolder({ 'stoker.yaml': SMALLEST, ...OWN_VIEWS })
    const config = await loadConfig(join(folder, 'stoker.yaml'), {}, 2 ** 30)
    expect(config.memoryLimitBytes).toBe(2 ** 29)
  })
})

describe('what is kept', () => {
  test('is read as it is written', async () => {
    const text = `deletions: keep\nrawLog: {keep: 90d}\nsnapshots: {keep: 3, days: 0.5}\nreaders: group\nminimumFreeDisk: 2GiB\n`
    expect((await loadText(text + SMALLEST)).keeping).toEqual({
      deletions: 'keep',
      rawLog: { days: 90 },
      snapshots: { keep: 3, days: 0.5 },
      readers: 'group',
      minimumFreeDiskBytes: 2 ** 31,
    })
    expect((await loadText(`rawLog: {keep: latest}\n${SMALLEST}`)).keeping.rawLog).toBe('latest')
  })

  test.each([
    ['rawLog: {keep: 0d}', 'rawLog.keep'],
    ['snapshots: {keep: 0}', 'snapshots.keep'],
    ['deletions: forget', 'deletions'],
    ['minimumFreeDisk: some', 'minimumFreeDisk'],
  ])('%s is refused by its place', async (text, path) => {
    await expect(loadText(`${text}\n${SMALLEST}`)).rejects.toMatchObject({ mistakes: [{ path }] })
  })
})

describe('secrets', () => {
  const withAuth = (auth: string): string => SMALLEST.replace('{kind: none}', auth)

  test('come from a file beside the configuration', async () => {
    const yaml = withAuth('{kind: private-key-jwt, clientId: me, keyFile: keys/me.pem}')
    const { auth } = (await loadText(yaml, { 'keys/me.pem': RSA_PEM })).sources[0]!
    expect(auth).toMatchObject({ kind: 'private-key-jwt', clientId: 'me', scope: 'system/*.read' })
    expect(auth.kind === 'private-key-jwt' && auth.keyText.reveal()).toBe(RSA_PEM.trim())
  })

  test('come from the environment', async () => {
    const yaml = withAuth('{kind: client-secret, clientId: me, clientSecretEnv: ME_SECRET, scope: none, method: post}')
    const { auth } = (await loadText(yaml, {}, { ME_SECRET: 'hush\n' })).sources[0]!
    expect(auth).toMatchObject({ kind: 'client-secret', method: 'post', scope: undefined })
    expect(auth.kind === 'client-secret' && auth.secret.reveal()).toBe('hush')
  })

  test('are a warning, not a mistake, when others may read their file', async () => {
    const yaml = withAuth('{kind: bearer, tokenFile: token}')
    const folder = await makeFolder({ 'stoker.yaml': yaml, token: 'abc', ...OWN_VIEWS }, 0o644)
    const config = await loadConfig(join(folder, 'stoker.yaml'), {}, MACHINE_BYTES)
    expect(config.warnings).toMatchObject([{ severity: 'warning', line: 7, path: 'sources[0].auth.tokenFile' }])
  })
})

describe('config/stoker.example.yaml', () => {
  const example = new URL('../../config/stoker.example.yaml', import.meta.url)

  test('loads as it stands once its key file exists', async () => {
    const text = await readFile(example, 'utf8')
    const folder = await makeFolder({ 'config/stoker.yaml': text, 'config/keys/hospital.pem': RSA_PEM })
    const config = await loadConfig(join(folder, 'config/stoker.yaml'), {}, MACHINE_BYTES)
    expect(config.warnings).toEqual([])
    expect(config.lake).toBe(join(folder, 'lake'))
    expect(config.sources).toHaveLength(1)
    expect(config.sources[0]).toMatchObject({ name: 'hospital', level: { kind: 'group', id: 'diabetes-register' } })
  })

  test('loads with its further sources uncommented', async () => {
    const text = (await readFile(example, 'utf8')).replaceAll(/^ {2}# (- | {2})/gm, '  $1')
    const folder = await makeFolder({ 'config/stoker.yaml': text, 'config/keys/hospital.pem': RSA_PEM })
    const env = { CLINIC_SECRET: 'a', ARCHIVE_TOKEN: 'b' }
    const config = await loadConfig(join(folder, 'config/stoker.yaml'), env, MACHINE_BYTES)
    expect(config.sources.map((source) => source.auth.kind)).toEqual([
      'private-key-jwt',
      'client-secret',
      'bearer',
      'none',
    ])
  })

  test('shows every key of the schema', async () => {
    const text = await readFile(example, 'utf8')
    const schema = await readFile(new URL('../../schemas/config.schema.json', import.meta.url), 'utf8')
    const missing = keysOf(JSON.parse(schema)).filter((key) => !text.includes(key))
    expect(missing).toEqual([])
  })
})

test('every key of the schema has a description, so that editors can explain it', async () => {
  const text = await readFile(new URL('../../schemas/config.schema.json', import.meta.url), 'utf8')
  const schema = JSON.parse(text) as { definitions: Record<string, { description?: string }> }
  const bare = propertiesOf(schema).filter(([, value]) => {
    const target = value.$ref === undefined ? value : schema.definitions[value.$ref.split('/').at(-1)!]
    return !target?.description
  })
  expect(bare).toEqual([])
})

interface Property {
  $ref?: string
  description?: string
}

function propertiesOf(part: unknown): [string, Property][] {
  if (typeof part !== 'object' || part === null) return []
  const own = Object.entries((part as { properties?: Record<string, Property> }).properties ?? {})
  return [...own, ...Object.values(part).flatMap(propertiesOf)]
}

function keysOf(schema: unknown): string[] {
  return [...new Set(propertiesOf(schema).map(([key]) => key))].filter((key) => key !== 'properties')
}
