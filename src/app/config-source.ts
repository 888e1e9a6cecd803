/** One entry of `sources`. */
import { resolve } from 'node:path'
import type { ServerProfile } from '../bulk/server/profile.ts'
import { type AuthConfig, readAuth } from './config-auth.ts'
import type { ConfigFields } from './config-fields.ts'
import { type GroupChanges, type LevelConfig, readGroupChanges, readLevel } from './config-level.ts'
import { readProfile } from './config-profile.ts'
import { type RequestConfig, readRequest } from './config-request.ts'
import { type Schedule, type SincePolicy, readSchedule, readSince } from './config-schedule.ts'
import type { SecretPlaces } from './config-secret.ts'
import { type UrlRules, readBaseUrl, readOrigin } from './config-url.ts'
import { nearestName } from '../core/nearest-name.ts'

export interface SourceConfig extends LevelConfig {
  /** `[a-z0-9][a-z0-9_-]*`: stands in folder names and in the `_source` column. */
  readonly name: string
  /** The FHIR base; its path always ends with a slash, so `new URL('metadata', baseUrl)` keeps the whole base path. */
  readonly baseUrl: URL
  /** Plain `http:` to another machine is allowed on purpose. */
  readonly allowHttp: boolean
  readonly auth: AuthConfig
  /** What kind of server it is, with the source's own keys laid over it: `release`, `callsPerMinute`, `since`. */
  readonly profile: ServerProfile
  /** The resource types to ask for and to load, never empty; without `types` in the file, those the views know. */
  readonly types: readonly string[]
  /** False: they are those the views know. */
  readonly typesNamed: boolean
  readonly request: RequestConfig
  readonly since: SincePolicy
  /** What happens when the members of the Group change; for level group, and without effect otherwise. */
  readonly groupChanges: GroupChanges
  /** Undefined: it runs when it is asked to. */
  readonly schedule: Schedule | undefined
  /** Origins besides the base URL's own that may see the token when a manifest asks for it (invariant 9). */
  readonly tokenOrigins: readonly string[]
  /** An export that is not done after this many hours is cancelled. */
  readonly deadlineHours: number
  /** The export is deleted on the server once its rows are committed. */
  readonly release: boolean
  /** Calls a minute to one host, all sources together; undefined: no limit. */
  readonly callsPerMinute: number | undefined
  /** Absolute path of the file that requests and responses are written to, without tokens and content. */
  readonly trace: string | undefined
}

const DEADLINE_HOURS_DEFAULT = 720

export interface SourceSurroundings extends SecretPlaces {
  /** Every resource type of FHIR. */
  readonly fhirTypes: ReadonlySet<string>
  /** For a source without `types`; undefined when the views could not be read. */
  readonly viewTypes: readonly string[] | undefined
}

/** Undefined when a mistake was reported without which there is no source. */
export async function readSource(
  fields: ConfigFields,
  surroundings: SourceSurroundings,
): Promise<SourceConfig | undefined> {
  const { findings } = fields
  const allowHttp = fields.flag('allowHttp') ?? false
  const rules: UrlRules = { allowHttp, findings }
  const name = fields.text('name')
  const baseUrl = readBaseUrl(fields.text('baseUrl'), [...fields.path, 'baseUrl'], rules)
  const profile = await readProfile(fields, surroundings.folder)
  const auth = await readAuth(fields.child('auth'), surroundings, rules, profile.scope)
  const place = readLevel(fields, profile, rules)
  const types = readTypes(fields, surroundings)
  const request = readRequest(fields, { types, profile, fhirTypes: surroundings.fhirTypes })
  const since = readSince(fields.child('since'), profile, place?.level.kind ?? 'system')
  const groupChanges = readGroupChanges(fields, profile)
  const schedule = readSchedule(fields.child('schedule'))
  const tokenOrigins = fields.texts('tokenOrigins').flatMap(({ text, path }) => readOrigin(text, path, rules) ?? [])
  const trace = fields.text('trace')
  if (name === undefined || !baseUrl || !auth || !place) return undefined
  const release = fields.flag('release') ?? profile.release
  const callsPerMinute = fields.number('callsPerMinute') ?? profile.callsPerMinute
  if (!release && place.manifestUrl === undefined) warnOfPlaces(fields, profile)
  return {
    name,
    baseUrl,
    allowHttp,
    auth,
    ...place,
    types,
    typesNamed: fields.has('types'),
    request,
    since,
    groupChanges,
    schedule,
    tokenOrigins,
    deadlineHours: fields.number('deadlineHours') ?? DEADLINE_HOURS_DEFAULT,
    release,
    callsPerMinute,
    trace: trace === undefined ? undefined : resolve(surroundings.folder, trace),
    profile: { ...profile, release, callsPerMinute, firstLoad: since.firstLoad, overlapSeconds: since.overlapSeconds },
  }
}

/** A run whose types were last brought up to date at different times, or whose Group has newcomers, asks for several. */
function warnOfPlaces(fields: ConfigFields, { name, exportsAtOnce }: ServerProfile): void {
  if (exportsAtOnce > 1) return
  const problem =
    `servers of profile ${name} have a place for one export at a time, and what is not deleted may keep it: ` +
    'where a run needs several, the next one waits for that place until deadlineHours are over'
  const key = ['release', 'profile'].find((each) => fields.has(each)) ?? 'name'
  fields.warning(
    key,
    problem,
    'Set release: true; or, if this server has more places, exportsAtOnce in a profile of your own.',
  )
}

function readTypes(fields: ConfigFields, { fhirTypes, viewTypes }: SourceSurroundings): readonly string[] {
  if (!fields.has('types')) {
    const isBare = viewTypes?.length === 0
    if (isBare) fields.missing('types', 'Name the types to load.', 'is missing, and there are no views')
    return viewTypes ?? []
  }
  const named = fields.texts('types')
  const seen = new Set<string>()
  for (const { text, path } of named) {
    if (seen.has(text)) fields.findings.mistake(path, `${shown(text)} stands here twice`, 'Keep one of them.')
    seen.add(text)
    if (fhirTypes.has(text)) continue
    const nearest = nearestName(text, fhirTypes)
    const wayOut = nearest === undefined ? 'See hl7.org/fhir/resourcelist.html.' : `Did you mean '${nearest}'?`
    fields.findings.mistake(path, `FHIR has no type ${shown(text)}`, wayOut)
  }
  return [...seen]
}

function shown(type: string): string {
  return type.length <= 60 ? type : `${type.slice(0, 60)}…`
}
