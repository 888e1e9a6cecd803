/** All cohorts of some folders: the definitions that are right, and the mistakes of the others. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { StokerError } from '../../core/errors.ts'
import { nearestName } from '../../core/nearest-name.ts'
import { mistakeText, type CohortDefinition, type CohortMistake } from './definition.ts'
import { nameOf, parseCohort } from './parse.ts'
import { syntaxMistakes } from './syntax.ts'

export interface CohortLibrary {
  /** By name. */
  readonly definitions: readonly CohortDefinition[]
  /** Of files that are no cohort because of them. */
  readonly mistakes: readonly CohortMistake[]
}

/** A definition is too long to be one from here on, in bytes. */
const TEXT_MAX = 1 << 20

/** Reads every `*.sql` of the folders. What is wrong with one stops that one alone. */
export async function readCohorts(folders: readonly string[]): Promise<CohortLibrary> {
  const definitions = new Map<string, CohortDefinition>()
  const mistakes: CohortMistake[] = []
  for (const folder of folders) {
    for (const file of await filesOf(folder, mistakes)) {
      const parsed = await readCohort(file)
      if (parsed.definition === undefined) mistakes.push(...parsed.mistakes)
      else addTo(definitions, parsed.definition, mistakes)
    }
  }
  const inVain = await syntaxMistakes([...definitions.values()])
  for (const { name } of inVain) definitions.delete(name)
  mistakes.push(...inVain)
  return { definitions: [...definitions.values()].sort((a, b) => (a.name < b.name ? -1 : 1)), mistakes }
}

/**
 * The definition of that name.
 * @throws StokerError COHORT_INVALID where its file has mistakes, COHORT_UNKNOWN where there is none
 */
export function cohortNamed({ definitions, mistakes }: CohortLibrary, name: string): CohortDefinition {
  const definition = definitions.find((each) => each.name === name)
  if (definition !== undefined) return definition
  const own = mistakes.filter((each) => each.name === name)
  if (own.length > 0) throw invalid(name, own)
  const names = definitions.map((each) => each.name)
  const near = nearestName(name, names)
  throw new StokerError('COHORT_UNKNOWN', `there is no cohort ${name}`, {
    hint:
      near !== undefined
        ? `did you mean ${near}?`
        : names.length > 0
          ? `there are: ${names.join(', ')}`
          : 'name folders of definitions under cohorts in the configuration; stoker cohort examples gives some',
    facts: { cohort: name },
  })
}

function invalid(name: string, mistakes: readonly CohortMistake[]): StokerError {
  return new StokerError('COHORT_INVALID', mistakes.map(mistakeText).join('\n'), {
    hint: 'put it right, then run the same command again',
    facts: { cohort: name, mistakes: mistakes.length },
  })
}

async function readCohort(file: string): Promise<ReturnType<typeof parseCohort>> {
  const wrong = (message: string, wayOut: string) => ({
    mistakes: [{ name: nameOf(file), file, line: undefined, message, wayOut }],
  })
  try {
    const bytes = await readFile(file)
    if (bytes.length > TEXT_MAX) return wrong('is longer than 1 MiB', 'a cohort is one SELECT')
    return parseCohort(file, bytes.toString('utf8'))
  } catch (error) {
    return wrong(`can not be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`, 'let this user read it')
  }
}

async function filesOf(folder: string, mistakes: CohortMistake[]): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true })
    return entries
      .filter((entry) => !entry.isDirectory() && entry.name.endsWith('.sql') && !entry.name.startsWith('.'))
      .map(({ name }) => join(folder, name))
      .sort()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const message = code === 'ENOENT' ? 'there is no such folder' : `can not be read (${code ?? 'unknown'})`
    mistakes.push({ name: folder, file: folder, line: undefined, message, wayOut: 'see cohorts in the configuration' })
    return []
  }
}

function addTo(definitions: Map<string, CohortDefinition>, added: CohortDefinition, mistakes: CohortMistake[]): void {
  const { name, file } = added
  const before = definitions.get(name)
  if (before === undefined) definitions.set(name, added)
  else mistakes.push({ name, file, line: undefined, message: `${before.file} has that name too`, wayOut: 'rename one' })
}
