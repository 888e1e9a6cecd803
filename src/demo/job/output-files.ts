/** The output files of an export, one type each: a cut of the store, divided and adulterated as the behaviour says. */
import type { ContentBehaviour } from '../behaviour/content-behaviour.ts'
import type { Alteration } from '../kick-off/elements.ts'
import type { Content, Version } from '../version.ts'
import { jobFile, type JobFile } from './export-job.ts'
import { divided, fileSize, spread, withRepetitions } from './file-division.ts'

export interface Found {
  readonly found: ReadonlyMap<string, readonly Version[]>
  /** Types that were asked for; undefined for all. */
  readonly types: ReadonlySet<string> | undefined
  readonly alter: Alteration | undefined
}

export function outputFiles({ found, types, alter }: Found, behaviour: ContentBehaviour): JobFile[] {
  const files: JobFile[] = []
  const malformedTypes = Object.keys(behaviour.malformedLines).filter((type) => types?.has(type) ?? true)
  for (const type of new Set([...found.keys(), ...malformedTypes])) {
    for (const [place, part] of parts(found.get(type) ?? [], behaviour).entries()) {
      const malformed = place === 0 ? (behaviour.malformedLines[type] ?? []) : []
      files.push(
        jobFile({
          name: fileName(type, place),
          kind: 'output',
          type,
          count: part.length,
          lines: withBlankLines(spread<Content>(contents(part), malformed, 1), behaviour),
          alter,
        }),
      )
    }
  }
  return files
}

/** `Patient.001.ndjson` */
export function fileName(stem: string, place: number): string {
  return `${stem}.${String(place + 1).padStart(3, '0')}.ndjson`
}

export function withBlankLines(lines: readonly Content[], { blankLines }: ContentBehaviour): readonly Content[] {
  return spread(lines, Array<string>(blankLines).fill(''), 0)
}

function parts(versions: readonly Version[], behaviour: ContentBehaviour): (readonly Version[])[] {
  const plain = divided(versions, fileSize(versions.length, behaviour))
  return behaviour.duplicateIds ? withRepetitions(plain) : plain
}

function contents(versions: readonly Version[]): readonly Content[] {
  return versions.map(({ content }) => content)
}
