/** A server's profile: one of those that come with Stoker, or a file of the operator's own. */
import { readdir, readFile } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { STANDARD_PROFILE, type ServerProfile } from '../bulk/server/profile.ts'
import { nearestName } from '../core/nearest-name.ts'
import { ConfigDocument } from './config-document.ts'
import { ConfigFields } from './config-fields.ts'
import { ConfigFindings } from './config-findings.ts'
import { isInstant } from './config-instant.ts'
import { checkShape } from './config-shape.ts'
import { shownPath } from './shown-path.ts'

/** Relative to `src/app` and to `dist/app` alike. */
const PROFILES = fileURLToPath(new URL('../../config/profiles/', import.meta.url))
const SCHEMA = new URL('../../schemas/profile.schema.json', import.meta.url)

const NAME_DEFAULT = STANDARD_PROFILE.name
/** What leaves a value unset that the standard profile sets, or might. */
const NONE = 'none'

/** Names of the profiles that come with Stoker, sorted. */
export async function profileNames(): Promise<readonly string[]> {
  const files = await readdir(PROFILES)
  return files
    .filter((file) => file.endsWith('.yaml'))
    .map(nameOf)
    .sort()
}

/**
 * The profile that a source names; the standard one when it names none, or when a mistake was reported.
 * @param folder where a relative path starts: the configuration file's own
 */
export async function readProfile(source: ConfigFields, folder: string): Promise<ServerProfile> {
  const named = source.text('profile') ?? NAME_DEFAULT
  const isPath = /[/\\.]/.test(named)
  const file = isPath ? resolve(folder, named) : join(PROFILES, `${named}.yaml`)
  const names = isPath ? [] : await profileNames()
  if (!isPath && !names.includes(named)) {
    const nearest = nearestName(named, names)
    const all = `There are ${names.join(', ')}; a file of your own is named by its path (./mine.yaml).`
    source.mistake('profile', 'there is no such profile', nearest === undefined ? all : `Did you mean '${nearest}'?`)
    return STANDARD_PROFILE
  }
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    const shown = shownPath(file)
    const problem = error.code === 'ENOENT' ? `there is no file ${shown}` : `${shown} can not be read (${error.code})`
    source.mistake(
      'profile',
      problem,
      'Correct the path, relative to this file, or name a profile without slash or dot.',
    )
    return undefined
  })
  if (text === undefined) return STANDARD_PROFILE
  const document = new ConfigDocument(text)
  const findings = new ConfigFindings(isPath ? besides(source, named) : shownPath(file), document)
  const profile = document.readable ? await parseProfile(document, nameOf(file), findings) : STANDARD_PROFILE
  source.findings.adopt(findings)
  return profile
}

/** One of those that come with Stoker, as it is. */
export async function shippedProfile(name: string): Promise<ServerProfile> {
  const file = join(PROFILES, `${name}.yaml`)
  const document = new ConfigDocument(await readFile(file, 'utf8'))
  return parseProfile(document, name, new ConfigFindings(file, document))
}

async function parseProfile(document: ConfigDocument, name: string, findings: ConfigFindings): Promise<ServerProfile> {
  checkShape(document.value, JSON.parse(await readFile(SCHEMA, 'utf8')) as Record<string, unknown>, findings)
  const fields = new ConfigFields(document.value, [], findings)
  const { kickOff: standard, ...rest } = STANDARD_PROFILE
  const kickOff = fields.child('kickOff')
  const firstLoad = optional(fields.text('firstLoad'), rest.firstLoad)
  if (firstLoad !== undefined && !isInstant(firstLoad)) {
    fields.mistake('firstLoad', 'is no FHIR instant', 'Write date, time and zone (1900-01-01T00:00:00Z), or none.')
  }
  return {
    name,
    kickOff: {
      method: chosen(kickOff, 'method', standard.method),
      lists: chosen(kickOff, 'lists', standard.lists),
      typeFilters: chosen(kickOff, 'typeFilters', standard.typeFilters),
      filtersPerType: limit(kickOff, 'filtersPerType', standard.filtersPerType),
      associatedData: chosen(kickOff, 'associatedData', standard.associatedData),
      organizeGroupsBy: optional(kickOff.text('organizeGroupsBy'), standard.organizeGroupsBy),
      reads: list(kickOff, 'reads', standard.reads),
      levels: list(kickOff, 'levels', standard.levels),
      prefer: list(kickOff, 'prefer', standard.prefer),
    },
    headers: { ...rest.headers, ...readHeaders(fields.child('headers')) },
    scope: optional(fields.text('scope'), rest.scope),
    firstLoad,
    overlapSeconds: fields.number('overlapSeconds') ?? rest.overlapSeconds,
    counts: chosen(fields, 'counts', rest.counts),
    deletions: chosen(fields, 'deletions', rest.deletions),
    newcomers: chosen(fields, 'newcomers', rest.newcomers),
    groupSince: chosen(fields, 'groupSince', rest.groupSince),
    release: fields.flag('release') ?? rest.release,
    callsPerMinute: limit(fields, 'callsPerMinute', rest.callsPerMinute),
    exportsAtOnce: fields.number('exportsAtOnce') ?? rest.exportsAtOnce,
  }
}

/** A path that the configuration names, from where the operator stands. */
function besides(source: ConfigFields, named: string): string {
  return isAbsolute(named) ? named : join(dirname(source.findings.file), named)
}

/** `config/profiles/epic.yaml` is `epic`. */
function nameOf(file: string): string {
  return basename(file).replace(/\.ya?ml$/, '')
}

/** The schema has seen to it that the text is one of the type's. */
function chosen<T extends string>(fields: ConfigFields, key: string, standard: T): T {
  return (fields.text(key) as T | undefined) ?? standard
}

function list<T extends string>(fields: ConfigFields, key: string, standard: readonly T[]): readonly T[] {
  return fields.has(key) ? fields.texts(key).map(({ text }) => text as T) : standard
}

function optional(text: string | undefined, standard: string | undefined): string | undefined {
  return text === undefined ? standard : text === NONE ? undefined : text
}

function limit(fields: ConfigFields, key: string, standard: number | undefined): number | undefined {
  return fields.text(key) === NONE ? undefined : (fields.number(key) ?? standard)
}

function readHeaders(fields: ConfigFields): ServerProfile['headers'] {
  return Object.fromEntries(
    fields.keys().map((step) => {
      const named = fields.child(step)
      return [step, Object.fromEntries(named.keys().map((key) => [key, named.text(key) ?? '']))]
    }),
  )
}
