/** The versions that an export's `_typeFilter` admits: the only step that must read bodies to choose. */
import type { DataFiles } from '../data-files.ts'
import type { TypeFilter } from '../kick-off/type-filter.ts'
import type { FhirResource } from '../resource.ts'
import { storedLines } from '../stored-lines.ts'
import type { Version } from '../version.ts'

/** A type without filter is left as it is; of one with several, what any of them admits. */
export async function selected(
  found: ReadonlyMap<string, readonly Version[]>,
  filters: readonly TypeFilter[],
  files: DataFiles,
): Promise<ReadonlyMap<string, readonly Version[]>> {
  if (filters.length === 0) return found
  const chosen = new Map<string, readonly Version[]>()
  for (const [type, versions] of found) {
    const own = filters.filter((filter) => filter.type === type)
    const admitted = own.length === 0 ? versions : await admittedBy(own, versions, files)
    if (admitted.length > 0) chosen.set(type, admitted)
  }
  return chosen
}

async function admittedBy(
  filters: readonly TypeFilter[],
  versions: readonly Version[],
  files: DataFiles,
): Promise<Version[]> {
  const admitted: Version[] = []
  let place = 0
  const contents = versions.map(({ content }) => content)
  for await (const line of storedLines(contents, files)) {
    const version = versions[place++]!
    const resource = JSON.parse(line) as FhirResource
    if (filters.some((filter) => filter.admits(resource))) admitted.push(version)
  }
  return admitted
}
