/** Reads a folder of NDJSON files once, and keeps of each line its type, id, patients and place, not its body. */
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { StokerError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { patientsOf } from './compartment.ts'
import type { DataFiles } from './data-files.ts'
import { isResource, type FhirResource } from './resource.ts'
import type { Version } from './version.ts'

const READ_BYTES = 1 << 20
const NEWLINE = 10
const CARRIAGE_RETURN = 13
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf])

/**
 * Yields one version per line of `*.ndjson` in `folder`, files in the order of their names. The type is each line's
 * own, whatever the file is called. A line without `meta.lastUpdated` counts as changed at `startedMs`. A line that is
 * no resource is left out and logged with file and line number.
 *
 * Costs about 200 bytes of memory a line. Throws DEMO_DATA_MISSING if the folder holds no such file.
 */
export async function* folderVersions(
  folder: string,
  files: DataFiles,
  startedMs: number,
  log: Log,
): AsyncGenerator<Version> {
  const patientLists = new Map<string, readonly string[]>()
  for (const name of await ndjsonNames(folder)) {
    const path = join(folder, name)
    const file = await files.add(path)
    let lineNumber = 0
    let unusable = 0
    for await (const { bytes, offset } of lines(path)) {
      lineNumber += 1
      if (bytes.length === 0) continue
      const resource = parse(bytes)
      if (resource === undefined) {
        unusable += 1
        if (unusable === 1) log.warn({ file: name, line: lineNumber }, 'first line of a data file that is no resource')
        continue
      }
      yield {
        type: resource.resourceType,
        id: resource.id,
        versionNumber: Number.parseInt(resource.meta?.versionId ?? '', 10) || 1,
        lastUpdatedMs: instantMs(resource.meta?.lastUpdated) ?? startedMs,
        patients: shared(patientsOf(resource), patientLists),
        content: { file, offset, length: bytes.length },
      }
    }
    log.info({ file: name, lines: lineNumber, unusable }, 'data file read')
  }
}

async function ndjsonNames(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((cause: unknown) => {
    throw new StokerError('DEMO_DATA_MISSING', `The data folder ${folder} cannot be read.`, {
      hint: 'Name an existing folder of NDJSON files.',
      cause,
    })
  })
  const found = names.filter((name) => name.endsWith('.ndjson')).sort()
  if (found.length === 0) {
    throw new StokerError('DEMO_DATA_MISSING', `The data folder ${folder} holds no file *.ndjson.`, {
      hint: 'Unpack the NDJSON files into it, one or more per resource type, without subfolders.',
    })
  }
  return found
}

/** Lines with their byte offset, without line ends; the last one may lack its newline. */
async function* lines(path: string): AsyncGenerator<{ bytes: Buffer; offset: number }> {
  let rest: Buffer[] = []
  let restLength = 0
  let position = 0
  for await (const chunk of createReadStream(path, { highWaterMark: READ_BYTES }) as AsyncIterable<Buffer>) {
    let from = 0
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      const piece = chunk.subarray(from, end)
      yield trimmed(restLength === 0 ? piece : Buffer.concat([...rest, piece]), position + from - restLength)
      rest = []
      restLength = 0
      from = end + 1
    }
    if (from < chunk.length) {
      rest.push(chunk.subarray(from))
      restLength += chunk.length - from
    }
    position += chunk.length
  }
  if (restLength > 0) yield trimmed(Buffer.concat(rest), position - restLength)
}

/** Without a byte order mark at the file's start and a carriage return at the line's end. */
function trimmed(bytes: Buffer, offset: number): { bytes: Buffer; offset: number } {
  const start = offset === 0 && bytes.subarray(0, 3).equals(BYTE_ORDER_MARK) ? 3 : 0
  const end = bytes[bytes.length - 1] === CARRIAGE_RETURN ? bytes.length - 1 : bytes.length
  return { bytes: bytes.subarray(start, end), offset: offset + start }
}

function parse(bytes: Buffer): (FhirResource & { readonly id: string }) | undefined {
  try {
    const json: unknown = JSON.parse(bytes.toString('utf8'))
    return isResource(json) && json.id !== undefined ? { ...json, id: json.id } : undefined
  } catch {
    return undefined
  }
}

function instantMs(text: string | undefined): number | undefined {
  const ms = text === undefined ? Number.NaN : Date.parse(text)
  return Number.isNaN(ms) ? undefined : ms
}

/** The same list object for the same patients: millions of lines share a few thousand lists. */
function shared(patients: string[], lists: Map<string, readonly string[]>): readonly string[] {
  const key = patients.join(' ')
  const known = lists.get(key)
  if (known) return known
  lists.set(key, patients)
  return patients
}
