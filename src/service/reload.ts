/** A configuration read again: taken as a whole, or refused as a whole with the reason. */
import type { Config, LoadedConfig } from '../app/config.ts'
import { configuredViews } from '../app/worker-context.ts'
import { StokerError } from '../core/errors.ts'
import type { View } from '../warehouse/tables/view.ts'
import { changedViews, compareConfigs } from './config-change.ts'

export interface NewConfig {
  readonly config: LoadedConfig
  /** What of it is new, for people. */
  readonly changed: readonly string[]
}

/**
 * @param load reads and checks the file
 * @throws StokerError what `load` throws, of views that do not compile, or CONFIG_FIXED where something changed that
 *   only a start can take
 */
export async function readNewConfig(
  current: Config,
  views: readonly View[],
  load: () => Promise<LoadedConfig>,
): Promise<NewConfig> {
  const config = await load()
  const { fixed, changed } = compareConfigs(current, config)
  if (fixed.length > 0) {
    throw fixedError(`${listed(fixed)} can not change while the worker runs`)
  }
  const differing = changedViews(views, await configuredViews(config))
  if (differing.length > 0) {
    throw fixedError(`the views of ${listed(differing)} have changed, and tables are made anew at a start`)
  }
  return { config, changed }
}

function fixedError(message: string): StokerError {
  return new StokerError('CONFIG_FIXED', message, {
    hint: 'stop the worker (SIGTERM) and start it again: runs go on where they stopped; or take that change back',
  })
}

function listed(names: readonly string[]): string {
  const last = names.at(-1)!
  return names.length === 1 ? last : `${names.slice(0, -1).join(', ')} and ${last}`
}
