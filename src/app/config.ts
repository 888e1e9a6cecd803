/** The configuration as the rest of the program sees it: checked, resolved, with absolute paths and wrapped secrets. */
import type { ExportLevel } from '../bulk/server/level.ts'
import type { ServerProfile } from '../bulk/server/profile.ts'
import type { ConfigFields } from './config-fields.ts'
import { openConfigFile, readSchema } from './config-file.ts'
import { ConfigError, type ConfigFinding } from './config-findings.ts'
import { type LakeConfig, machineMemoryBytes, readLake } from './config-lake.ts'
import { readService, type ServiceConfig } from './config-service.ts'
import { readSource } from './config-source.ts'
import { readViews, warnOfIdleViews } from './config-views.ts'
import type { Secret } from './secret.ts'

const DOWNLOADS_DEFAULT = 4

/**
 * Reads and checks the file at `path` whole.
 * @param env where secrets given by `…Env` are looked up; this is the only place that reads the process's own
 * @param machineBytes memory of the machine or of the container, for the default limit
 * @throws {ConfigError} naming every mistake of the file by line and column
 * @throws {StokerError} `CONFIG_UNREADABLE` when there is no such file or it can't be read
 */
export async function loadConfig(
  path: string,
  env: NodeJS.ProcessEnv = process.env,
  machineBytes = machineMemoryBytes(),
): Promise<LoadedConfig> {
  const opened = await openConfigFile(path)
  const { file, folder, fields } = opened
  const { findings } = fields
  const views = await readViews(fields.child('views'), folder)
  const fhirTypes = await readFhirTypes()
  const sources: SourceConfig[] = []
  for (const each of fields.children('sources')) {
    const source = await readSource(each, { folder, env, fhirTypes, viewTypes: views.types })
    if (source) sources.push(source)
  }
  findNamesakes(fields)
  warnOfIdleViews(views.own, new Set(sources.flatMap(({ types }) => types)), findings)
  const config: LoadedConfig = {
    file,
    ...readLake(opened, machineBytes),
    ...(await readService(fields, { folder, env })),
    views: views.folders,
    threads: fields.number('threads'),
    downloads: fields.number('downloads') ?? DOWNLOADS_DEFAULT,
    sources,
    warnings: findings.warnings(),
  }
  const mistakes = findings.mistakes()
  if (mistakes.length > 0) throw new ConfigError(path, mistakes)
  return config
}

/** What `config/stoker.example.yaml` says, checked whole; see `schemas/config.schema.json` for each key. */
export interface Config extends LakeConfig, ServiceConfig {
  /** Absolute path of the file this came from. */
  readonly file: string
  /** Absolute folders of ViewDefinitions: the shipped one first (unless `views.shipped` is false), then the user's. */
  readonly views: readonly string[]
  /** DuckDB's `threads`; undefined leaves it to DuckDB. */
  readonly threads: number | undefined
  /** Files downloaded at the same time. */
  readonly downloads: number
  readonly sources: readonly SourceConfig[]
}

export interface SourceConfig {
  /** `[a-z0-9][a-z0-9_-]*`: stands in folder names and in the `_source` column. */
  readonly name: string
  /** The FHIR base; its path always ends with a slash, so `new URL('metadata', baseUrl)` keeps the whole base path. */
  readonly baseUrl: URL
  /** Plain `http:` to another machine is allowed on purpose. */
  readonly allowHttp: boolean
  readonly auth: AuthConfig
  /** What kind of server it is, with the source's own keys laid over it: `release`, `callsPerMinute`, `since`. */
  readonly profile: ServerProfile
  /** `system` for a published manifest. */
  readonly level: ExportLevel
  /** For `level: published`: a static manifest that is read instead of asking for exports (STU4, `$bulk-publish`). */
  readonly manifestUrl: URL | undefined
  /** The resource types to ask for and to load, never empty; without `types` in the file, those the views know. */
  readonly types: readonly string[]
  /** False: they are those the views know. */
  readonly typesNamed: boolean
  readonly request: RequestConfig
  readonly since: SincePolicy
  /** What happens when the members of the Group change; for level group, and without effect otherwise. */
  readonly groupChanges: GroupChanges
  readonly schedule: { readonly cron: string; readonly timeZone: string } | undefined
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

/** What every export of a source asks for beside types and `_since`; undefined or empty is not sent. */
export interface RequestConfig {
  /** `Type?query`, each of a type among `types`. */
  readonly typeFilters: readonly string[]
  /** `element` or `Type.element`; what comes is marked SUBSETTED. */
  readonly elements: readonly string[]
  /** `LatestProvenanceResources`, `RelevantProvenanceResources`, or a server's own, which begin with `_`. */
  readonly includeAssociatedData: readonly string[]
  /** A resource type. */
  readonly organizeOutputBy: string | undefined
  readonly allowPartialManifests: boolean | undefined
}

export interface GroupChanges {
  /**
   * How the history of patients who join is had: the server sends it unasked, on being asked for these patients, or by a
   * whole export of the Group.
   */
  readonly newcomers: 'included' | 'patient' | 'group'
  /** Whether the rows of patients who left stay. */
  readonly leavers: 'keep' | 'remove'
}

export interface SincePolicy {
  /** FHIR instant sent as `_since` when a type has no watermark yet; undefined sends none. */
  readonly firstLoad: string | undefined
  /** `full` asks for everything every time, `incremental` for what changed since the watermark. */
  readonly mode: 'incremental' | 'full'
  /** How far `_since` reaches back behind the watermark. */
  readonly overlapSeconds: number
}

export type AuthConfig =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'private-key-jwt'
      readonly clientId: string
      /** A private key as PEM, JWK or JWKS text. */
      readonly keyText: Secret
      readonly keyId: string | undefined
      /** Undefined: the one that fits the key. */
      readonly algorithm: SigningAlgorithm | undefined
      /** Undefined: discovered from the server. */
      readonly tokenUrl: URL | undefined
      /** Undefined: the token request carries no scope. */
      readonly scope: string | undefined
    }
  | {
      readonly kind: 'client-secret'
      readonly clientId: string
      readonly secret: Secret
      readonly method: 'basic' | 'post'
      readonly tokenUrl: URL | undefined
      readonly scope: string | undefined
    }
  | { readonly kind: 'bearer'; readonly token: Secret }

export type SigningAlgorithm = 'RS384' | 'ES384' | 'RS256' | 'ES256'

/** What `loadConfig` gives: the configuration, and what the operator should know though it stops nothing. */
export interface LoadedConfig extends Config {
  readonly warnings: readonly ConfigFinding[]
}

async function readFhirTypes(): Promise<ReadonlySet<string>> {
  const releases = Object.values((await readSchema('fhir/resource-types.json')) as Readonly<Record<string, unknown>>)
  return new Set(releases.filter((types): types is string[] => Array.isArray(types)).flat())
}

/** A source's name is its identity in the lake: two of one name would share watermarks. */
function findNamesakes(fields: ConfigFields): void {
  const lines = new Map<string, number>()
  for (const source of fields.children('sources')) {
    const name = source.text('name')
    if (name === undefined) continue
    const line = lines.get(name)
    if (line === undefined) lines.set(name, fields.findings.lineOf([...source.path, 'name']))
    else source.mistake('name', `the source of line ${line} has the same name`, 'Rename one of them.')
  }
}
