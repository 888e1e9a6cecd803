/** The lines of a file as texts, one by one, each as the behaviour and the export's `_elements` would have it. */
import type { FileBehaviour, FirstElement } from '../behaviour/file-behaviour.ts'
import type { DataFiles } from '../data-files.ts'
import { isResource } from '../resource.ts'
import type { Alteration } from '../kick-off/elements.ts'
import { storedLines } from '../stored-lines.ts'
import type { Content } from '../version.ts'

export interface Lines {
  readonly lines: readonly Content[]
  readonly alter?: Alteration | undefined
}

/** Without line ends. A line that is no resource is left as it is. */
export async function* lineTexts(
  { lines, alter }: Lines,
  { birthDateTimes, firstElement }: FileBehaviour,
  files: DataFiles,
): AsyncGenerator<string> {
  for await (const stored of storedLines(lines, files)) {
    const asked = alter ? alteredText(stored, alter) : stored
    const dated = birthDateTimes ? withBirthTime(asked) : asked
    yield firstElement === 'resourceType' ? dated : beginningWith(firstElement, dated)
  }
}

/** The resource of a line, or undefined for a blank or malformed one. */
export function resourceOf(line: string) {
  try {
    const json: unknown = JSON.parse(line)
    return isResource(json) ? json : undefined
  } catch {
    return undefined
  }
}

function alteredText(line: string, alter: Alteration): string {
  const resource = resourceOf(line)
  return resource ? JSON.stringify(alter(resource)) : line
}

function beginningWith(element: FirstElement, line: string): string {
  const resource = resourceOf(line)
  return resource ? JSON.stringify({ [element]: resource[element], ...resource }) : line
}

function withBirthTime(line: string): string {
  return line.replace(/("birthDate"\s*:\s*"\d{4}-\d\d-\d\d)"/, '$1T00:00:00.000Z"')
}
