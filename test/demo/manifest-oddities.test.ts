import { describe, expect, it } from 'vitest'
import { PLAIN_BEHAVIOUR } from '../../src/demo/behaviour.ts'
import { demoKeyPair } from '../../src/demo/demo-key-pair.ts'
import { startDemoServer } from '../../src/demo/server.ts'
import { behaviourFixture } from './behaviour-fixture.ts'
import { bearer, contentsOf, exportAll, kickOff, linesOf, manifestOf, signIn, type Manifest } from './demo-client.ts'

const fixture = behaviourFixture()
const manifest = async (path = '$export?_type=Patient') => await manifestOf(await kickOff(fixture.server, path))

describe('manifestOmits', () => {
  it('leaves keys out, output only when it is empty', async () => {
    fixture.behave({
      manifestOmits: ['error', 'output', 'deleted', 'request', 'requiresAccessToken', 'transactionTime', 'count'],
    })
    const { output, ...rest } = await manifest()
    expect(rest).toEqual({})
    expect(output).toEqual([{ type: 'Patient', url: expect.any(String) as string }])
    expect(await manifest('$export?_type=Slot')).toEqual({})
  })

  it('leaves out the messages under whatever name they have', async () => {
    fixture.behave({ manifestOmits: ['error'], outcomeName: 'outcome' })
    expect(await manifest()).not.toHaveProperty('outcome')
  })
})

describe('tokenFlag', () => {
  it('stands in the manifest as it is', async () => {
    for (const tokenFlag of [true, false, 'true', 'false'] as const) {
      fixture.behave({ tokenFlag })
      expect((await manifest()).requiresAccessToken).toBe(tokenFlag)
    }
  })

  it('true asks for the token at the file, false gives the file to everybody', async () => {
    const pair = await demoKeyPair()
    const server = await startDemoServer({ patients: 1, auth: pair, behaviour: { pollsBeforeDone: 0 } })
    try {
      const token = await signIn(server, pair)
      const { output } = await manifestOf(await kickOff(server, '$export', { headers: bearer(token) }), token)
      server.behaviour.tokenFlag = 'true'
      expect((await fetch(output[0]!.url)).status).toBe(401)
      server.behaviour.tokenFlag = 'false'
      expect((await fetch(output[0]!.url)).status).toBe(200)
    } finally {
      await server.stop()
    }
  })
})

it('relativeUrls: file URLs lack the origin', async () => {
  fixture.behave({ relativeUrls: true })
  const { url } = (await manifest()).output[0]!
  expect(url.startsWith('/fhir/')).toBe(true)
  expect(await linesOf(new URL(url, fixture.server.baseUrl).href)).toHaveLength(3)
})

it('outcomeName outcome: messages as STU4 lists them, by severity and without type', async () => {
  fixture.behave({
    outcomeName: 'outcome',
    messages: [
      { severity: 'error', code: 'exception' },
      { severity: 'warning', code: 'processing' },
      { severity: 'error', code: 'timeout' },
    ],
  })
  const { outcome, ...rest } = (await manifest()) as Manifest & { outcome: Manifest['error'] }
  expect(rest).not.toHaveProperty('error')
  expect(outcome).toEqual([
    {
      url: expect.any(String) as string,
      count: 3,
      countSeverity: [
        { code: 'error', count: 2 },
        { code: 'warning', count: 1 },
      ],
    },
  ])
})

it('messages: a line each, and a count that tells how many resources were lost', async () => {
  fixture.behave({
    messages: [
      { severity: 'error', code: 'processing', count: 41 },
      { severity: 'information', code: 'informational' },
    ],
  })
  const { error } = await manifest()
  expect(error).toMatchObject([{ type: 'OperationOutcome', count: 42 }])
  const issues = (await linesOf(error[0]!.url)).map((line) => (JSON.parse(line) as { issue: object[] }).issue)
  expect(issues).toMatchObject([[{ severity: 'error', code: 'processing' }], [{ severity: 'information' }]])
})

it('typelessDeleted: entries of deleted have no type', async () => {
  fixture.behave({ typelessDeleted: true })
  fixture.nowMs += 1000
  fixture.server.store.update({ resourceType: 'Basic', id: 'gone' })
  const since = new Date(fixture.nowMs - 1).toISOString()
  fixture.server.store.remove('Basic', 'gone')
  const { manifest: told, deleted } = await exportAll(fixture.server, `$export?_since=${since}`)
  expect(told.deleted).toEqual([{ url: expect.any(String) as string, count: 1 }])
  expect(deleted).toEqual(['Basic/gone'])
})

it('manifestExtension: there is one', async () => {
  expect(await manifest()).not.toHaveProperty('extension')
  fixture.behave({ manifestExtension: true })
  expect(await manifest()).toHaveProperty('extension')
})

it('counts wrong: the last entry has one resource less than it says', async () => {
  fixture.behave({ counts: 'wrong' })
  const { output } = await manifest('$export?_type=Claim,Patient')
  const lines = await Promise.all(output.map(({ url }) => linesOf(url)))
  expect(output.map(({ count }, index) => count - lines[index]!.length)).toEqual([0, 1])
})

describe('oddEntries', () => {
  it('list a file that is not there, the first file twice, and a file with nothing in it', async () => {
    fixture.behave({ oddEntries: ['missing', 'twice', 'empty'] })
    const { output } = await manifest()
    expect(output.map(({ type, count }) => [type, count])).toEqual([
      ['Patient', 3],
      ['Patient', 1],
      ['Patient', 3],
      ['Patient', 0],
    ])
    expect(output[2]).toEqual(output[0])
    const answers = await Promise.all(output.map(({ url }) => fetch(url)))
    expect(answers.map(({ status }) => status)).toEqual([200, 404, 200, 200])
    expect(await answers[3]!.text()).toBe('')
  })

  it('continues-nowhere: the last file goes on in one that is not there', async () => {
    fixture.behave({ oddEntries: ['continues-nowhere'] })
    const { output } = await manifest('$export?_type=Condition,Patient')
    const [first, last] = output as { continuesInFile?: string }[]
    expect(first).not.toHaveProperty('continuesInFile')
    expect((await fetch(last!.continuesInFile!)).status).toBe(404)
  })

  it('are there in an empty export as well', async () => {
    fixture.behave({ oddEntries: ['empty'] })
    expect((await manifest('$export?_type=Slot')).output).toMatchObject([{ type: 'Patient', count: 0 }])
  })
})

describe('duplicateIds', () => {
  it('repeats the last resource of each file in the next one, and in the last file itself', async () => {
    fixture.behave({ duplicateIds: true, maxLinesPerFile: 2 })
    const { output } = await manifest()
    const ids = await Promise.all(
      output.map(async ({ url }) => (await linesOf(url)).map((line) => (JSON.parse(line) as { id: string }).id)),
    )
    expect(ids.map(({ length }) => length)).toEqual([2, 3])
    expect(output.map(({ count }) => count)).toEqual([2, 3])
    expect(ids[1]![0]).toBe(ids[0]![1])
    expect(ids[1]![2]).toBe(ids[1]![1])
    expect(new Set(ids.flat()).size).toBe(3)
  })
})

it('malformedRequest: what was asked stands there as nobody could ask it', async () => {
  fixture.behave({ malformedRequest: true })
  expect((await manifest()).request).toMatch(/^http:.*http:.*_type=Patient$/)
})

it('muddledDeletions: they stand twice, in files that bear the type of the first', async () => {
  const { store } = fixture.server
  const since = new Date(fixture.nowMs).toISOString()
  fixture.nowMs += 1000
  for (const resourceType of ['Slot', 'Task']) store.remove(resourceType, store.create({ resourceType }).id!)
  fixture.behave({ muddledDeletions: true })
  const { manifest: told, deleted } = await exportAll(fixture.server, `$export?_since=${since}&_type=Slot,Task`)
  expect(told.deleted.map(({ type }) => type)).toEqual(['Slot', 'Slot'])
  expect(new Set(told.deleted.map(({ url }) => url)).size).toBe(2)
  expect(deleted.map((key) => key.split('/')[0])).toEqual(['Slot', 'Slot', 'Task', 'Task'])
})

it('ownTypes: a system export has clients and their secrets, whatever it was asked for', async () => {
  fixture.behave({ ownTypes: true })
  const asked = await manifest()
  expect(asked.output.map(({ type }) => type)).toEqual(['Patient', 'ClientApplication'])
  expect((await contentsOf(asked)).resources.at(-1)).toHaveProperty('secret')
  expect((await manifest('Patient/$export?_type=Patient')).output).toHaveLength(1)
})

it('versionMeta false: no resource tells its version or when it changed', async () => {
  fixture.behave({ versionMeta: false })
  const { resources } = await contentsOf(await manifest('$export?_type=Patient,Claim'))
  expect(resources.length).toBeGreaterThan(3)
  for (const { meta } of resources) {
    expect(meta?.lastUpdated).toBeUndefined()
    expect(meta?.versionId).toBeUndefined()
  }
})

it('without any oddity a manifest is as it always was', async () => {
  expect(fixture.server.behaviour).toEqual({ ...PLAIN_BEHAVIOUR, pollsBeforeDone: 0 })
  expect(Object.keys(await manifest())).toEqual([
    'transactionTime',
    'request',
    'requiresAccessToken',
    'output',
    'deleted',
    'error',
  ])
})
