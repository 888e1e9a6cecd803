/**
 * FHIR's own examples: the folder of the npm package hl7.fhir.r4.examples 4.0.1, which is too big to be a dependency.
 * `STOKER_R4_EXAMPLES` names it; `.ci/run` fetches it where a registry can be reached.
 */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

const FOLDER = process.env.STOKER_R4_EXAMPLES ?? ''
export const areThereExamples = FOLDER !== '' && existsSync(FOLDER)
const names = areThereExamples ? readdirSync(FOLDER).sort() : []

/** Of a type there may be over a thousand (search parameters): so many say it all. */
const EXAMPLES_MAX = 20
/** Larger ones are FHIR's own definitions in a Bundle, 100 MB of them. */
const EXAMPLE_BYTES_MAX = 1e6

export interface Examples {
  readonly texts: readonly string[]
  /** `Patient.contact.telecom` → how many values. */
  readonly counts: ReadonlyMap<string, number>
}

/** Of this type; none where the folder is not there. */
export async function readExamples(type: string): Promise<Examples> {
  const paths = names
    .filter((name) => name.startsWith(`${type}-`) && name.endsWith('.json'))
    .map((name) => join(FOLDER, name))
    .filter((path) => statSync(path).size <= EXAMPLE_BYTES_MAX)
  const texts = await Promise.all(paths.slice(0, EXAMPLES_MAX).map((path) => readFile(path, 'utf8')))
  const counts = new Map<string, number>()
  for (const text of texts) countElements(JSON.parse(text), type, counts)
  return { texts, counts }
}

/** Counts every value by its path of names. */
function countElements(node: unknown, path: string, counts: Map<string, number>): void {
  if (node === null) return
  if (Array.isArray(node)) return node.forEach((item) => countElements(item, path, counts))
  counts.set(path, (counts.get(path) ?? 0) + 1)
  if (typeof node !== 'object') return
  for (const [name, value] of Object.entries(node)) countElements(value, `${path}.${name}`, counts)
}
