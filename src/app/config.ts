/** The configuration as the rest of the program sees it: checked, resolved, with absolute paths and wrapped secrets. */
import type { ConfigFields } from './config-fields.ts'
import { openConfigFile, readSchema } from './config-file.ts'
import { ConfigError, type ConfigFinding } from './config-findings.ts'
import { type LakeConfig, machineMemoryBytes, readLake } from './config-lake.ts'
import { readService, type ServiceConfig } from './config-service.ts'
import { readSource, type SourceConfig } from './config-source.ts'
import { readViews, warnOfIdleViews } from './config-views.ts'

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
