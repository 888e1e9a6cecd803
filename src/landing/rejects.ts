/** The lines that are no usable resource: which, where, and why. Read only for files that have some. */
import { createReadStream } from 'node:fs'
import split2 from 'split2'
import { sqlText } from '../core/sql.ts'
import type { Session } from '../store/session.ts'
import { LineFile } from './line-file.ts'
import { isBlankLine, type LineFacts } from './line-meter.ts'
import { ID_PATTERN, type StagedFile } from './raw-log.ts'

/** Where the rejects of a raw log file are kept with their text, one JSON object a line. */
export function rejectsPath(rawPath: string): string {
  return rawPath.replace(/\.parquet$/, '.rejects.ndjson')
}

/** Text kept of a reject; a line that is longer is cut. */
const KEPT_BYTES_MAX = 64 * 1024

export interface Rejects {
  readonly rejects: number
  /** Of these, those that may be any resource for all anybody can tell: bytes that are no JSON. */
  readonly damaged: number
}

/**
 * Reads the staged file again, line by line beside the raw log's empty rows, and writes each reject with `line`
 * (1-based), `byte_offset` (of its first byte in the file as received), `reason` and `text`. Memory: one line.
 */
export async function writeRejects(session: Session, raw: StagedFile, facts: LineFacts): Promise<Rejects> {
  const out = new LineFile(rejectsPath(raw.rawPath))
  try {
    const rejects = await rejectLines(session, raw, facts, out)
    await out.settle()
    return rejects
  } catch (error) {
    await out.discard()
    throw error
  }
}

async function rejectLines(session: Session, raw: StagedFile, facts: LineFacts, out: LineFile): Promise<Rejects> {
  const emptyRows = session.stream<{ line: number }>(
    `SELECT file_row_number + 1 AS line FROM read_parquet(${sqlText(raw.rawPath)}, file_row_number = true)
     WHERE type IS NULL AND NOT header ORDER BY line`,
  )
  let empty = await emptyRows.next()
  let line = 0
  let rejects = 0
  let damaged = 0
  let offset = facts.bom ? 3 : 0
  // Read as latin1, a character is a byte: offsets hold, and bytes that are no UTF-8 are kept as they came.
  const lines = createReadStream(raw.stagedPath, { encoding: 'latin1', highWaterMark: 1 << 20 }).pipe(split2('\n'))
  for await (const text of lines as AsyncIterable<string>) {
    line += 1
    let added = 0
    if (!empty.done && empty.value.line === line) {
      const bytes = Buffer.from(text, 'latin1')
      if (isBlankLine(bytes, 0, bytes.length)) {
        added = 1 // the byte that stands in a blank line was not received
      } else {
        const reject = {
          line,
          byte_offset: offset,
          reason: reasonFor(bytes, raw),
          text: bytes.subarray(0, KEPT_BYTES_MAX).toString('utf8'),
        }
        await out.add(JSON.stringify(reject))
        rejects += 1
        if (DAMAGE.has(reject.reason)) damaged += 1
      }
      empty = await emptyRows.next()
    }
    offset += text.length + 1 - added
  }
  return { rejects, damaged }
}

const ID = new RegExp(ID_PATTERN)
const NOT_UTF8 = 'not valid UTF-8'
const NOT_JSON = 'not valid JSON'
const NOT_READ = 'JSON that DuckDB does not read (a lone surrogate, or nested too deep)'
const DAMAGE: ReadonlySet<string> = new Set([NOT_UTF8, NOT_JSON, NOT_READ])

/** Why a line can't be used: shapes only, never its content. */
function reasonFor(bytes: Buffer, raw: Pick<StagedFile, 'kind' | 'types'>): string {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch (error) {
    if (error instanceof TypeError) return NOT_UTF8
    return NOT_JSON
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return `a JSON ${shape(value)}, not an object`
  const { resourceType, id } = value as Record<string, unknown>
  if (resourceType === undefined) return 'no resourceType'
  if (typeof resourceType !== 'string' || !/^[A-Za-z]{1,64}$/.test(resourceType)) return 'resourceType is no type name'
  if (raw.kind === 'deleted') return `a ${resourceType}, where a deletion Bundle should be`
  if (raw.kind === 'error') return `a ${resourceType}, where an OperationOutcome should be`
  if (!raw.types.includes(resourceType)) return `type ${resourceType} was not asked for`
  if (id === undefined) return 'no id'
  if (typeof id !== 'string' || !ID.test(id)) return 'id is no FHIR id'
  return NOT_READ
}

function shape(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}
