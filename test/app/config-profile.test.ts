/** Profiles: those that come with Stoker, those of an operator, and what a source lays over them. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ConfigError } from '../../src/app/config-findings.ts'
import { profileNames } from '../../src/app/config-profile.ts'
import { loadConfig } from '../../src/app/config.ts'
import { EXPORT_PARAMETERS, STANDARD_PROFILE } from '../../src/bulk/server/profile.ts'
import { OWN_VIEWS, brief, loadText, makeFolder, mistakesOf } from './config-folder.ts'

const PROFILES = new URL('../../config/profiles/', import.meta.url)

function yaml(lines: string, level = 'group\n    group: g'): string {
  return `lake: lake
views: {shipped: false, folders: [views]}
sources:
  - name: one
    baseUrl: https://fhir.example.org/r4
    auth: {kind: client-secret, clientId: me, clientSecretEnv: SECRET}
    level: ${level}
${lines
  .split('\n')
  .map((line) => `    ${line}\n`)
  .join('')}`
}

const env = { SECRET: 'x' }

async function sourceOf(lines: string, files: Record<string, string> = {}, level?: string) {
  return (await loadText(yaml(lines, level), files, env)).sources[0]!
}

async function mistakes(lines: string, files: Record<string, string> = {}, level?: string) {
  return brief(await mistakesOf(yaml(lines, level), files, env))
}

describe('a profile that comes with Stoker', () => {
  test('is there for every kind of server that is known', async () => {
    expect(await profileNames()).toEqual([
      'azure',
      'bcda',
      'epic',
      'google',
      'group-only',
      'hapi',
      'medplum',
      'oracle',
      'reference',
      'standard',
      'stu4',
    ])
  })

  test('says of what server it is, and in comments where its facts come from', async () => {
    for (const name of await profileNames()) {
      const text = await readFile(new URL(`${name}.yaml`, PROFILES), 'utf8')
      expect(text, name).toMatch(/^title: \S/m)
      expect(text.match(/^\s*# (?!yaml-language-server)/gm)?.length, name).toBeGreaterThanOrEqual(2)
    }
  })

  test('is the standard one where a source names none, and its file says what the code says', async () => {
    expect((await sourceOf('')).profile).toEqual(STANDARD_PROFILE)
    expect((await sourceOf('profile: standard')).profile).toEqual(STANDARD_PROFILE)
    const text = await readFile(new URL('standard.yaml', PROFILES), 'utf8')
    const schema = JSON.parse(
      await readFile(new URL('../../schemas/profile.schema.json', import.meta.url), 'utf8'),
    ) as { properties: Record<string, unknown> }
    expect(Object.keys(schema.properties).filter((key) => !text.includes(`\n${key}:`))).toEqual([])
  })

  test.each(['reference', 'medplum', 'hapi', 'epic', 'oracle', 'google', 'azure', 'bcda', 'group-only', 'stu4'])(
    '%s loads, and differs from the standard one',
    async (name) => {
      const { profile } = await sourceOf(`profile: ${name}`)
      expect(profile.name).toBe(name)
      expect({ ...profile, name: 'standard' }).not.toEqual(STANDARD_PROFILE)
    },
  )

  test('carries what is known of its servers', async () => {
    const medplum = await sourceOf('profile: medplum')
    expect(medplum.profile).toMatchObject({
      deletions: 'never',
      kickOff: { method: 'GET', reads: ['_type', '_since'] },
    })
    expect(medplum.auth).toMatchObject({ scope: undefined })
    expect((await sourceOf('profile: google')).profile).toMatchObject({
      kickOff: { organizeGroupsBy: 'Patient' },
      release: false,
    })
    expect((await sourceOf('profile: oracle')).profile.kickOff).toMatchObject({
      filtersPerType: 1,
      lists: 'comma',
      typeFilters: 'comma',
    })
    expect((await sourceOf('profile: bcda')).profile.kickOff.reads).toEqual(['_type', '_since', '_outputFormat'])
    expect((await sourceOf('profile: group-only')).since.firstLoad).toBe('1900-01-01T00:00:00Z')
    expect((await sourceOf('profile: reference')).callsPerMinute).toBe(50)
    const hapi = await sourceOf('profile: hapi')
    expect(hapi.profile.headers).toMatchObject({
      'kick-off': { 'cache-control': 'no-cache' },
      file: { accept: 'application/fhir+ndjson' },
    })
    expect((await sourceOf('profile: stu4')).profile.kickOff).toMatchObject({
      method: 'POST',
      associatedData: 'coding',
      reads: EXPORT_PARAMETERS,
    })
  })

  test('makes Groups come whole where increments of them lack something', async () => {
    expect((await sourceOf('profile: hapi')).since.mode).toBe('full')
    expect((await sourceOf('profile: epic')).since.mode).toBe('full')
    expect((await sourceOf('profile: hapi', {}, 'system')).since.mode).toBe('incremental')
    const config = await loadText(yaml('profile: hapi\nsince: {mode: incremental}'), {}, env)
    expect(config.sources[0]!.since.mode).toBe('incremental')
    expect(config.warnings).toMatchObject([
      { path: 'sources[0].since.mode', problem: expect.stringMatching(/lack some of what changed/) as string },
    ])
  })
})

test("a source's own keys go before its profile", async () => {
  const source = await sourceOf(`profile: group-only
release: false
callsPerMinute: 7
since: {firstLoad: 2020-01-01T00:00:00Z, overlapSeconds: 9}
groupChanges: {newcomers: included, leavers: remove}`)
  expect(source).toMatchObject({
    release: false,
    callsPerMinute: 7,
    since: { firstLoad: '2020-01-01T00:00:00Z', overlapSeconds: 9, mode: 'incremental' },
    groupChanges: { newcomers: 'included', leavers: 'remove' },
    profile: { release: false, callsPerMinute: 7, firstLoad: '2020-01-01T00:00:00Z', overlapSeconds: 9 },
  })
  expect((await sourceOf('profile: group-only\nsince: {firstLoad: none}')).since.firstLoad).toBeUndefined()
})

test('newcomers are had as the profile says, and leavers go, where nothing is said', async () => {
  expect((await sourceOf('profile: reference')).groupChanges).toEqual({ newcomers: 'patient', leavers: 'remove' })
})

describe('a profile of an operator', () => {
  const MINE =
    'kickOff: {method: POST, filtersPerType: 2}\nscope: none\ncallsPerMinute: 30\nheaders: {status: {accept: "*/*"}}\n'

  test('is named by its path from the configuration, and may leave out what is standard', async () => {
    const source = await sourceOf('profile: servers/mine.yaml', { 'servers/mine.yaml': MINE })
    expect(source.profile).toEqual({
      ...STANDARD_PROFILE,
      name: 'mine',
      kickOff: { ...STANDARD_PROFILE.kickOff, method: 'POST', filtersPerType: 2 },
      headers: { ...STANDARD_PROFILE.headers, status: { accept: '*/*' } },
      scope: undefined,
      callsPerMinute: 30,
    })
  })

  test('is told its mistakes with their places in its own file, with those of the configuration', async () => {
    const text =
      'kickOf: {}\nkickOff:\n  method: PUT\n  reads: [_typ]\nscope: 7\nfirstLoad: 1900\ncallsPerMinute: many\n'
    const found = await mistakes('profile: ./mine.yaml\nrelase: true', { 'mine.yaml': text })
    expect(found.map((each) => each.replace(/ \|.*/s, ''))).toEqual([
      '10:5 sources[0].relase: there is no such key',
      '1:1 kickOf: there is no such key',
      '3:11 kickOff.method: is none of GET, POST',
      expect.stringMatching(/^4:11 kickOff\.reads\[0\]: is none of _type, /),
      '5:8 scope: must be text, and is a number',
      '6:12 firstLoad: must be text, and is a number',
      '7:17 callsPerMinute: has characters that can not stand here, or too many',
    ])
    expect(found[1]).toContain("Did you mean 'kickOff'?")
  })

  test('heads the list of its own mistakes: the configuration is not named where it has none', async () => {
    const text = yaml('profile: servers/mine.yaml')
    const folder = await makeFolder({ 'stoker.yaml': text, 'servers/mine.yaml': 'kickOf: {}\n', ...OWN_VIEWS })
    const error: unknown = await loadConfig(join(folder, 'stoker.yaml'), env).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(ConfigError)
    const { message, hint } = error as ConfigError
    expect(message).toContain(`1 mistake in ${join(folder, 'servers/mine.yaml')}\n`)
    expect(message).not.toContain('stoker.yaml')
    expect(hint).toContain('config/profiles/standard.yaml shows every key')
  })

  test.each(['kick-off', 'status', 'file', 'release', 'published'])('may give headers to the step %s', async (step) => {
    const source = await sourceOf('profile: ./mine.yaml', { 'mine.yaml': `headers: {${step}: {x-tenant: a}}\n` })
    expect(source.profile.headers).toMatchObject({ [step]: { 'x-tenant': 'a' } })
  })

  test('may not set the header that carries the token', async () => {
    const [found] = await mistakes('profile: ./mine.yaml', {
      'mine.yaml': 'headers: {file: {authorization: Bearer x}}\n',
    })
    expect(found).toMatch(/headers\.file\.authorization: there is no such key \| .*authorization is Stoker's own/)
  })

  test('that is no YAML is told with its line', async () => {
    const [found] = await mistakes('profile: ./mine.yaml', { 'mine.yaml': 'kickOff:\n\tmethod: GET\n' })
    expect(found).toMatch(/^2:1 : /)
  })
})

describe('exports that are not deleted', () => {
  const MANY = { 'mine.yaml': 'exportsAtOnce: 2\n' }

  test('are a warning where the server has a place for one: the next of a run would wait for it', async () => {
    const [found, ...others] = (await loadText(yaml('profile: bcda\nrelease: false'), {}, env)).warnings
    expect(others).toEqual([])
    expect(found).toMatchObject({ path: 'sources[0].release', line: 10 })
    expect(found?.problem).toMatch(/profile bcda have a place for one export at a time/)
    expect(found?.wayOut).toMatch(/^Set release: true; .*exportsAtOnce/)
  })

  test('are none where there are more places, and where nothing is asked for', async () => {
    const many = await loadText(yaml('profile: ./mine.yaml\nrelease: false'), MANY, env)
    const published = yaml('manifestUrl: https://fhir.example.org/r4/$bulk-publish\nrelease: false', 'published')
    expect(many.warnings).toEqual([])
    expect((await loadText(published, {}, env)).warnings).toEqual([])
  })
})

describe('what is wrong', () => {
  test('with a name names the nearest, or all of them', async () => {
    expect(await mistakes('profile: medplom')).toEqual([
      "9:14 sources[0].profile: there is no such profile | Did you mean 'medplum'?",
    ])
    expect((await mistakes('profile: something'))[0]).toMatch(/There are azure, bcda, .* named by its path/)
  })

  test('with a path says where it was looked for', async () => {
    expect((await mistakes('profile: ./mine.yaml'))[0]).toMatch(/there is no file \/.*\/mine\.yaml \| Correct the path/)
  })

  test('with a level that the server has not', async () => {
    expect(await mistakes('profile: epic', {}, 'system')).toEqual([
      '7:12 sources[0].level: servers of profile epic have no export at level system | ' +
        'Set level: group, or name another profile if this server has it.',
    ])
  })

  test.each([
    ['typeFilters: ["Patient?active=true"]', '_typeFilter'],
    ['elements: [id]', '_elements'],
    ['includeAssociatedData: [_own]', 'includeAssociatedData'],
    ['organizeOutputBy: Patient', 'organizeOutputBy'],
    ['allowPartialManifests: true', 'allowPartialManifests'],
  ])('with %s names the profile that does not read it', async (line, parameter) => {
    const [found] = await mistakes(`profile: medplum\n${line}`)
    expect(found).toContain(
      `servers of profile medplum do not read ${parameter} | Leave it out, or name another profile`,
    )
  })

  test('with newcomers by patient of a server that does not read it', async () => {
    const [found] = await mistakes('profile: medplum\ngroupChanges: {newcomers: patient}')
    expect(found).toMatch(/groupChanges\.newcomers: .* do not read the parameter patient \| Set 'group'/)
  })

  test('with increments of a server that does not read _since; without a word it is asked for everything', async () => {
    const files = { 'mine.yaml': 'kickOff: {reads: [_type]}\n' }
    const [found] = await mistakes('profile: ./mine.yaml\nsince: {mode: incremental}', files)
    expect(found).toMatch(/since\.mode: servers of profile mine do not read _since \| Set mode: full/)
    expect((await sourceOf('profile: ./mine.yaml', files)).since.mode).toBe('full')
  })

  test('with more filters of one type than the server reads', async () => {
    const [found] = await mistakes('profile: oracle\ntypeFilters: ["Patient?a=1", "Condition?a=1", "Patient?b=2"]')
    expect(found).toMatch(/typeFilters\[2\]: servers of profile oracle read 1 filter for each type/)
  })
})
