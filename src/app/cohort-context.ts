/** Wiring for cohorts alone: the folders of their definitions, and an open lake, without any source. */
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { COHORT_SECONDS_DEFAULT, type CohortDeps, type CohortEvent } from '../analysis/cohort/run.ts'
import { systemClock } from '../core/clock.ts'
import type { Lake } from '../warehouse/lake.ts'
import { openConfigFile } from './config-file.ts'
import { ConfigError } from './config-findings.ts'
import { besideBytes } from './config-lake.ts'
import { openLakeDatabase } from './lake-database.ts'

/** Those that come with Stoker, to be copied and made one's own; relative to `src/app` and to `dist/app` alike. */
export const EXAMPLE_COHORTS = fileURLToPath(new URL('../../config/cohorts', import.meta.url))

/**
 * Absolute folders of cohort definitions, whatever else is wrong with the file.
 * @throws ConfigError about `cohorts`; CONFIG_UNREADABLE
 */
export async function cohortFolders(path: string): Promise<readonly string[]> {
  const { folder, fields } = await openConfigFile(path)
  const mistakes = fields.findings.mistakes().filter((each) => /^cohorts\b/.test(each.path))
  if (mistakes.length > 0) throw new ConfigError(path, mistakes)
  return fields.texts('cohorts').map(({ text }) => resolve(folder, text))
}

export interface OpenCohorts {
  readonly deps: CohortDeps
  close(): void
}

export interface OpenCohortsOptions {
  readonly lake: Lake
  /** Of this process; reader and database share it. */
  readonly memoryLimitBytes: number
  readonly folders: readonly string[]
  /** As it was named. */
  readonly config: string
  readonly seconds?: number | undefined
  readonly signal: AbortSignal
  readonly observe: (event: CohortEvent) => void
}

/** Opens the lake for writing. @throws StokerError STORE_LOCKED, STORE_NEWER */
export async function openCohorts(options: OpenCohortsOptions): Promise<OpenCohorts> {
  const { lake, folders, config, seconds = COHORT_SECONDS_DEFAULT, signal, observe } = options
  const memoryBytes = besideBytes(options.memoryLimitBytes)
  const database = await openLakeDatabase(lake, { config, memoryLimitBytes: memoryBytes })
  const deps = { database, lake, folders, clock: systemClock, limits: { seconds, memoryBytes }, signal, observe }
  return { deps, close: () => database.close() }
}
