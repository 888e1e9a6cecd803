/** The log of exports in the SMART bulk data client's format, of real runs: its fields, its counts, and what it leaves out. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stokerIn } from '../cli/command.ts'
import { Scenario } from '../scenario/harness.ts'
import { jsonLines, REPORTS } from './report-scenario.ts'

interface Line {
  readonly exportId: string
  readonly timestamp: string
  readonly eventId: string
  readonly eventDetail: Record<string, unknown>
  readonly run: number
}

let scenario: Scenario
let lines: Line[]
const of = (eventId: string, run = 1) => lines.filter((line) => line.eventId === eventId && line.run === run)
const details = (eventId: string, run = 1) => of(eventId, run).map((line) => line.eventDetail)

/** A whole export with messages and signed addresses; an increment with a file that is not there; two that come to nothing. */
beforeAll(async () => {
  scenario = await Scenario.start(
    {
      patients: 4,
      views: ['patient', 'observation'],
      behaviour: {
        pollsBeforeDone: 1,
        fileHost: 'storage',
        filesPerType: 2,
        messages: [{ severity: 'information', code: 'informational' }],
      },
    },
    REPORTS,
  )
  await stokerIn(scenario.folder, 'sync')
  scenario.server.behaviour = { ...scenario.server.behaviour, oddEntries: ['missing'] }
  await scenario.server.change({ percent: 40 })
  await stokerIn(scenario.folder, 'sync')
  scenario.server.behaviour = { ...scenario.server.behaviour, levels: ['group'] }
  await stokerIn(scenario.folder, 'sync')
  scenario.server.behaviour = {
    ...scenario.server.behaviour,
    levels: ['system'],
    exportFailure: { status: 413, form: 'html' },
  }
  await stokerIn(scenario.folder, 'sync')
  lines = jsonLines(join(scenario.folder, 'bulk-log.ndjson'))
})
afterAll(() => scenario.stop())

test('every line has the id of its export, its time, its event and its detail, and is of a documented kind', async () => {
  for (const line of lines) {
    expect(Object.keys(line).slice(0, 4)).toEqual(['exportId', 'timestamp', 'eventId', 'eventDetail'])
    expect(line.exportId).toMatch(/^[0-9a-f-]{36}$/)
    expect(new Date(line.timestamp).toISOString()).toBe(line.timestamp)
    expect(Object.keys(line.eventDetail).sort()).toEqual(FIELDS[line.eventId])
  }
  expect(new Set(lines.map(({ eventId }) => eventId))).toEqual(new Set(Object.keys(FIELDS)))
  expect((await stat(join(scenario.folder, 'bulk-log.ndjson'))).mode & 0o777).toBe(0o600)
})

/** As the client's own code writes them, less headers of answers. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  kickoff: [
    ...['errorBody', 'errorCode', 'exportUrl', 'fhirVersion', 'logVersion', 'requestParameters'],
    ...['softwareName', 'softwareReleaseDate', 'softwareVersion'],
  ],
  status_progress: ['body', 'retryAfter', 'xProgress'],
  status_error: ['body', 'code', 'message'],
  status_page_complete: ['deletedFileCount', 'errorFileCount', 'outputFileCount', 'transactionTime'],
  status_complete: ['transactionTime'],
  manifest_complete: [
    ...['totalDeletedFileCount', 'totalErrorFileCount', 'totalManifests', 'totalOutputFileCount', 'transactionTime'],
  ],
  download_request: ['fileUrl', 'itemType', 'resourceType'],
  download_complete: ['fileSize', 'fileUrl', 'resourceCount'],
  download_error: ['body', 'code', 'fileUrl', 'message'],
  export_complete: ['attachments', 'bytes', 'duration', 'files', 'resources'],
}

describe('a whole export', () => {
  test('is told from its kick-off to its end, in the order things happened', () => {
    const told = lines.filter(({ run }) => run === 1).map(({ eventId }) => eventId)
    const firsts = [...new Set(told)].filter((eventId) => !eventId.startsWith('download'))
    expect(firsts).toEqual([
      ...['kickoff', 'status_progress', 'status_page_complete', 'status_complete', 'manifest_complete'],
      'export_complete',
    ])
    expect(new Set(lines.filter(({ run }) => run === 1).map(({ exportId }) => exportId)).size).toBe(1)
    expect(details('kickoff')[0]).toMatchObject({
      errorCode: null,
      errorBody: null,
      logVersion: '2',
      exportUrl: expect.stringContaining('/fhir/$export?_type=') as string,
      requestParameters: { _type: expect.stringContaining('Patient') as string },
    })
    expect(details('status_progress')[0]).toEqual({ body: null, xProgress: '50%', retryAfter: '1' })
  })

  test('has counts that agree with the ledger, and durations that were', async () => {
    const [landed] = await scenario.readInside(
      `SELECT count(*) AS files, sum(resources) AS resources, sum(bytes) AS bytes FROM stoker.file WHERE run = 1 AND state = 'landed'`,
    )
    const [end] = details('export_complete')
    expect(end).toMatchObject({
      files: Number(landed!.files),
      resources: Number(landed!.resources),
      bytes: Number(landed!.bytes),
      attachments: 0,
    })
    const sum = (key: string) => details('download_complete').reduce((total, detail) => total + Number(detail[key]), 0)
    expect([sum('resourceCount'), sum('fileSize')]).toEqual([end!.resources, end!.bytes])
    const [began, ended] = [of('kickoff')[0]!, of('export_complete')[0]!].map(({ timestamp }) => Date.parse(timestamp))
    expect(Math.abs(ended! - began! - Number(end!.duration))).toBeLessThan(2000)
    const [manifest] = details('manifest_complete')
    const listed = details('download_request')
    const ofKind = (kind: string) => listed.filter(({ itemType }) => itemType === kind).length
    expect(manifest).toMatchObject({
      totalOutputFileCount: ofKind('output'),
      totalErrorFileCount: 1,
      totalManifests: 1,
    })
    expect(listed.find(({ itemType }) => itemType === 'error')).toMatchObject({ resourceType: 'OperationOutcome' })
    expect(listed).toHaveLength(details('download_complete').length)
  })
})

test('an increment tells since when, and its files of deletions', () => {
  expect(details('kickoff', 2)[0]!.requestParameters).toMatchObject({ _since: expect.stringMatching(/^20/) as string })
  expect(details('download_request', 2)).toContainEqual(
    expect.objectContaining({ itemType: 'deleted', resourceType: 'Bundle' }),
  )
})

test('a file that was not to be had is told with the status, in our words', () => {
  expect(details('download_error', 2)).toEqual([
    expect.objectContaining({ code: 404, body: null, message: expect.stringMatching(/^BULK_FILE_/) as string }),
  ])
})

test('a kick-off that is refused is told with the status, in our words and not in those of the server', () => {
  expect(details('kickoff', 3)).toEqual([
    expect.objectContaining({ errorCode: 404, errorBody: expect.stringMatching(/^BULK_REFUSED: /) as string }),
  ])
  expect(lines.filter(({ run }) => run === 3)).toHaveLength(1)
})

test('an export that fails at the server is told as an error of its status', () => {
  expect(details('status_error', 4)).toEqual([
    expect.objectContaining({ code: 413, body: null, message: expect.stringMatching(/^BULK_EXPORT_/) as string }),
  ])
})

test('addresses of files are without their signatures', () => {
  const addresses = lines.flatMap(({ eventDetail }) => (eventDetail.fileUrl === undefined ? [] : [eventDetail.fileUrl]))
  expect(addresses.length).toBeGreaterThan(5)
  expect(JSON.stringify(addresses)).not.toContain('?')
})
