import fc from 'fast-check'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { land } from '../../src/landing/land.ts'
import type { StagedFile } from '../../src/landing/raw-log.ts'
import { rejectsPath } from '../../src/landing/rejects.ts'
import { stage } from '../../src/landing/stage.ts'
import { rawRelation } from '../../src/store/raw-log.ts'
import { Database } from '../../src/store/database.ts'
import type { Session } from '../../src/store/session.ts'

let folder: string
let database: Database
let session: Session

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stoker-landing-'))
  database = await Database.open({ path: join(folder, 'w.duckdb'), memoryLimitBytes: 512 << 20 })
  session = await database.session()
})
afterAll(async () => {
  database.close()
  await rm(folder, { recursive: true })
})

let number = 0
async function landing(content: Buffer | string, kind: StagedFile['kind'] = 'output', chunkBytes = 7) {
  const bytes = Buffer.from(content as string)
  const file = ++number
  const chunks: Buffer[] = []
  for (let i = 0; i < bytes.length; i += chunkBytes) chunks.push(bytes.subarray(i, i + chunkBytes))
  const raw: StagedFile = {
    source: 's',
    run: 1,
    file,
    kind,
    types: ['Patient'],
    stagedPath: join(folder, `${file}.ndjson`),
    rawPath: join(folder, `${file}.parquet`),
  }
  const facts = await stage(Readable.from(chunks), raw.stagedPath)
  const landed = await land(session, raw, facts)
  const rows = await session.rows<{ id: string; line: number }>(
    `SELECT id, line FROM ${rawRelation([raw.rawPath])} ORDER BY line`,
  )
  const rejects =
    landed.rejects === 0
      ? []
      : (await readFile(rejectsPath(raw.rawPath), 'utf8'))
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line) as { line: number; byte_offset: number; reason: string; text: string })
  return { facts, landed, rows, rejects, raw, bytes }
}

const patient = (id: string) => `{"resourceType":"Patient","id":"${id}"}`

describe('landing', () => {
  test('a clean file lands line for line, hashed as received', async () => {
    const content = `${patient('a')}\n${patient('b')}\n`
    const { facts, landed, rows, raw } = await landing(content)
    expect(facts).toMatchObject({
      lines: 2,
      blanks: 0,
      bytes: content.length,
      longestLineBytes: patient('a').length,
      bom: false,
    })
    expect(facts.sha256).toBe(createHash('sha256').update(content).digest('hex'))
    expect(landed).toEqual({ resources: 2, rejects: 0, headers: 0, damaged: 0 })
    expect(rows).toEqual([
      { id: 'a', line: 1 },
      { id: 'b', line: 2 },
    ])
    expect((await stat(raw.rawPath)).mode & 0o777).toBe(0o600)
  })

  test('a byte order mark, CRLF, blank lines and a missing last newline cost no line and shift no number', async () => {
    const { facts, rows, landed } = await landing(
      `\uFEFF\r\n${patient('a')}\r\n\n  \t\n${patient('é')}`.replace('é', 'b'),
    )
    expect(facts).toMatchObject({ lines: 5, blanks: 3, bom: true })
    expect(landed).toEqual({ resources: 2, rejects: 0, headers: 0, damaged: 0 })
    expect(rows).toEqual([
      { id: 'a', line: 2 },
      { id: 'b', line: 5 },
    ])
  })

  test('each reject is named with line, byte offset and reason, and the file goes on', async () => {
    const lines: [string | Buffer, string | undefined][] = [
      [patient('a'), undefined],
      ['{"resourceType":"Patient","id":', 'not valid JSON'],
      ['   ', undefined],
      ['[1,2]', 'a JSON array, not an object'],
      ['null', 'a JSON null, not an object'],
      ['{"id":"x"}', 'no resourceType'],
      ['{"resourceType":"Patient"}', 'no id'],
      ['{"resourceType":"Patient","id":"a b"}', 'id is no FHIR id'],
      ['{"resourceType":"Patient","id":123}', 'id is no FHIR id'],
      ['{"resourceType":"Patient","id":null}', 'id is no FHIR id'],
      ['{"resourceType":"ClientApplication","id":"x","secret":"s"}', 'type ClientApplication was not asked for'],
      [
        Buffer.concat([
          Buffer.from('{"resourceType":"Patient","id":"x","n":"'),
          Buffer.from([0xff]),
          Buffer.from('"}'),
        ]),
        'not valid UTF-8',
      ],
      [
        '{"resourceType":"Patient","id":"x","n":"\\ud800"}',
        'JSON that DuckDB does not read (a lone surrogate, or nested too deep)',
      ],
      ['\uFEFF' + patient('ü').replace('ü', 'u'), 'not valid JSON'],
      [patient('z'), undefined],
    ]
    const content = Buffer.concat(lines.flatMap(([line]) => [Buffer.from(line as string), Buffer.from('\n')]))
    const { rows, rejects, landed, facts, bytes, raw } = await landing(content)
    expect(rows).toEqual([
      { id: 'a', line: 1 },
      { id: 'z', line: lines.length },
    ])
    const expected = lines.flatMap(([, reason], i) => (reason === undefined ? [] : [{ line: i + 1, reason }]))
    expect(rejects.map(({ line, reason }) => ({ line, reason }))).toEqual(expected)
    for (const reject of rejects) {
      const line = Buffer.from(lines[reject.line - 1]![0] as string)
      expect(bytes.subarray(reject.byte_offset, reject.byte_offset + line.length).equals(line)).toBe(true)
    }
    expect(landed.resources + landed.rejects + facts.blanks).toBe(facts.lines)
    expect(await session.rows(`SELECT * FROM read_parquet('${raw.rawPath}') WHERE json LIKE '%secret%'`)).toEqual([])
  })

  test('header lines of an organized export are neither resources nor rejects', async () => {
    const header =
      '{"resourceType":"Parameters","parameter":[{"name":"header","valueReference":{"reference":"Patient/a"}}]}'
    const other = '{"resourceType":"Parameters","id":"x","parameter":[{"name":"other"}]}'
    const content = [header, patient('a'), header, other, '', patient('b'), ''].join('\n')
    const organized = await landing(content)
    expect(organized.landed).toEqual({ resources: 2, rejects: 1, headers: 2, damaged: 0 })
    expect(organized.rejects.map(({ line }) => line)).toEqual([4])
  })

  test('a resource of which only some elements came is marked, whatever else its tags say', async () => {
    const tagged = (id: string, tag: string) => `{"resourceType":"Patient","id":"${id}","meta":{"tag":${tag}}}`
    const { raw } = await landing(
      [
        tagged(
          'a',
          '[{"code":"x"},{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}]',
        ),
        tagged('b', '[{"code":"NOT"},{"display":"SUBSETTED"}]'),
        tagged('c', '{"code":"SUBSETTED"}'),
        patient('d'),
      ].join('\n'),
    )
    expect(await session.rows(`SELECT id, subsetted FROM ${rawRelation([raw.rawPath])} ORDER BY line`)).toEqual([
      { id: 'a', subsetted: true },
      { id: 'b', subsetted: false },
      { id: 'c', subsetted: false },
      { id: 'd', subsetted: false },
    ])
  })

  test('lines that may be any resource for all anybody can tell are counted as damaged, other rejects are not', async () => {
    const damaged = async (...lines: string[]) => (await landing(lines.join('\n'))).landed.damaged
    expect(await damaged(patient('a'), '{"resourceType":"Patient","id":"b","na')).toBe(1)
    expect(await damaged('{"resourceType":"Patient","id":"b","na', patient('a'), 'x')).toBe(2)
    expect(await damaged(patient('a'), '{"resourceType":"Patient"}', '[]', '7')).toBe(0)
    expect(await damaged(patient('a'), '')).toBe(0)
  })

  test('an empty file lands as no rows', async () => {
    expect((await landing('')).landed).toEqual({ resources: 0, rejects: 0, headers: 0, damaged: 0 })
    expect((await landing('\n')).facts).toMatchObject({ lines: 1, blanks: 1 })
  })

  test('a line longer than the reader expects by itself lands', async () => {
    const long = `{"resourceType":"Patient","id":"long","text":"${'x'.repeat(20 << 20)}"}`
    const { rows } = await landing(`${patient('a')}\n${long}\n${patient('b')}`, 'output', 65_536)
    expect(rows.map((row) => row.id)).toEqual(['a', 'long', 'b'])
  })

  test('whatever the lines and however they are cut into chunks, lines = resources + rejects + blanks and numbers hold', async () => {
    const line = fc.oneof(
      { weight: 4, arbitrary: fc.integer({ min: 0, max: 999 }).map((n) => patient(`p${n}`)) },
      fc.constantFrom(
        '',
        ' ',
        '\r',
        '\t \r',
        '{',
        '0',
        '\u001e',
        '\u001e\u001e',
        '"é"',
        '{"resourceType":"Patient","id":"ok"} x',
        `${patient('crlf')}\r`,
      ),
      fc.string({ maxLength: 12 }).map((s) => s.replaceAll('\n', '')),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 30 }),
        fc.boolean(),
        fc.boolean(),
        fc.integer({ min: 1, max: 64 }),
        async (lines, bom, last, chunk) => {
          const content = (bom ? '\uFEFF' : '') + lines.join('\n') + (last && lines.length > 0 ? '\n' : '')
          const { facts, rows } = await landing(content, 'output', chunk)
          const body = content.startsWith('\uFEFF') ? content.slice(1) : content
          const all = body.split('\n')
          if (all.at(-1) === '') all.pop()
          expect(facts.lines).toBe(all.length)
          const usable = all.flatMap((text, i) => {
            try {
              const value = JSON.parse(text) as { resourceType?: string; id?: string }
              return value?.resourceType === 'Patient' ? [{ id: value.id, line: i + 1 }] : []
            } catch {
              return []
            }
          })
          expect(rows).toEqual(usable)
        },
      ),
      { numRuns: 150, seed: 20_18 },
    )
  })
})
