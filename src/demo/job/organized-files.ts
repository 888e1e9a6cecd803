/**
 * Output files organized by patient: blocks of a header line, the patient and its resources of all types
 * (hl7.org/fhir/uv/bulkdata/export.html#bulk-data-output-file-organization).
 */
import type { ContentBehaviour } from '../behaviour/content-behaviour.ts'
import type { Content, Version } from '../version.ts'
import { jobFile, type JobFile } from './export-job.ts'
import { fileSize } from './file-division.ts'
import { fileName, withBlankLines, type Found } from './output-files.ts'

interface Block {
  /** Undefined for what belongs to no patient, where there is none to put it to. */
  readonly patient: string | undefined
  readonly contents: Content[]
}

interface Sheet {
  readonly lines: Content[]
  /** Without header lines. */
  count: number
  continues: boolean
}

/**
 * A block is split only if it is longer than a file may be; then the header stands in each of its files. A resource of
 * several patients stands in the blocks of all; one of nobody (an Organization) stands in the first block.
 */
export function organizedFiles({ found, types, alter }: Found, behaviour: ContentBehaviour): JobFile[] {
  const blocks = blocksOf(found)
  const total = blocks.reduce((sum, { contents }) => sum + contents.length, 0)
  const sheets = sheetsOf(blocks, fileSize(total, behaviour))
  const malformed = Object.entries(behaviour.malformedLines).flatMap(([type, lines]) =>
    (types?.has(type) ?? true) ? lines : [],
  )
  return sheets.map(({ lines, count, continues }, place) =>
    jobFile({
      name: fileName('Patients', place),
      kind: 'output',
      type: undefined,
      count,
      lines: withBlankLines(place === 0 ? [...lines, ...malformed] : lines, behaviour),
      alter,
      continuesIn: continues ? fileName('Patients', place + 1) : undefined,
    }),
  )
}

function blocksOf(found: ReadonlyMap<string, readonly Version[]>): Block[] {
  const blocks = new Map<string, Block>()
  const unowned: Content[] = []
  for (const type of new Set(['Patient', ...found.keys()])) {
    for (const { patients, content } of found.get(type) ?? []) {
      for (const patient of patients) {
        const block = blocks.get(patient) ?? { patient, contents: [] }
        blocks.set(patient, block)
        block.contents.push(content)
      }
      if (patients.length === 0) unowned.push(content)
    }
  }
  const [first, ...others] = blocks.values()
  if (first) return [{ ...first, contents: [...first.contents, ...unowned] }, ...others]
  return unowned.length > 0 ? [{ patient: undefined, contents: unowned }] : []
}

function sheetsOf(blocks: readonly Block[], size: number): Sheet[] {
  const sheets: Sheet[] = []
  let sheet: Sheet | undefined
  for (const { patient, contents } of blocks) {
    if (sheet && sheet.count + contents.length > size) sheet = undefined
    for (const [place, content] of contents.entries()) {
      if (sheet?.count === size) {
        sheet.continues = true
        sheet = undefined
      }
      const isNew = sheet === undefined
      if (sheet === undefined) sheets.push((sheet = { lines: [], count: 0, continues: false }))
      if (patient !== undefined && (place === 0 || isNew)) sheet.lines.push(header(patient))
      sheet.lines.push(content)
      sheet.count += 1
    }
  }
  return sheets
}

function header(patient: string): string {
  const parameter = [{ name: 'header', valueReference: { reference: `Patient/${patient}` } }]
  return JSON.stringify({ resourceType: 'Parameters', parameter })
}
