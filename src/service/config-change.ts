/** What a new configuration changes, and what of that a running worker can not take. Pure. */
import type { Config } from '../app/config.ts'
import type { View } from '../warehouse/tables/view.ts'
import { fingerprint } from './fingerprint.ts'

export interface ConfigChange {
  /** Keys of the file that can not change while the worker runs. */
  readonly fixed: readonly string[]
  /** `source clinic added`, `worker changed`: what takes effect. */
  readonly changed: readonly string[]
}

/** By key of the file: made once, at the start, for the whole process or the tables of the lake. */
const FIXED: Readonly<Record<string, (config: Config) => unknown>> = {
  lake: (config) => config.lake,
  views: (config) => config.views,
  memoryLimit: (config) => config.memoryLimitBytes,
  threads: (config) => config.threads ?? null,
  deletions: (config) => config.keeping.deletions,
  'http.listen': ({ http }) => (http === undefined ? null : [http.host, http.port]),
  'http.token': ({ http }) => http?.token ?? null,
  query: (config) => config.query,
  cohorts: (config) => config.cohorts,
  reports: (config) => config.reports,
}

const FREE: Readonly<Record<string, (config: Config) => unknown>> = {
  worker: (config) => config.worker,
  downloads: (config) => config.downloads,
  rawLog: (config) => config.keeping.rawLog,
  snapshots: (config) => config.keeping.snapshots,
  readers: (config) => config.keeping.readers,
  minimumFreeDisk: (config) => config.keeping.minimumFreeDiskBytes,
}

export function compareConfigs(before: Config, after: Config): ConfigChange {
  const differing = (parts: typeof FIXED) =>
    Object.entries(parts).flatMap(([key, part]) =>
      fingerprint(part(before)) === fingerprint(part(after)) ? [] : [key],
    )
  const old = new Map(before.sources.map((source) => [source.name, fingerprint(source)]))
  const names = new Set(after.sources.map(({ name }) => name))
  const sources = after.sources.flatMap((source) => {
    const was = old.get(source.name)
    if (was === undefined) return [`source ${source.name} added`]
    return was === fingerprint(source) ? [] : [`source ${source.name} changed`]
  })
  const gone = [...old.keys()].filter((name) => !names.has(name)).map((name) => `source ${name} removed`)
  return { fixed: differing(FIXED), changed: [...sources, ...gone, ...differing(FREE).map((key) => `${key} changed`)] }
}

/** Names of tables whose views differ, are new or are gone: they are brought to their definitions at a start. */
export function changedViews(before: readonly View[], after: readonly View[]): string[] {
  const held = new Map(before.map(({ name, hash }) => [name, hash]))
  const names = new Set(after.map(({ name }) => name))
  const differing = after.filter(({ name, hash }) => held.get(name) !== hash).map(({ name }) => name)
  return [...differing, ...before.map(({ name }) => name).filter((name) => !names.has(name))].sort()
}
