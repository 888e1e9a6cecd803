/** Which lake a reading command reads: of a configuration, or named itself. */
import type { Command } from 'commander'
import { access } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { loadLake } from '../app/config-lake.ts'
import { StokerError } from '../core/errors.ts'
import { Lake } from '../warehouse/lake.ts'

export interface LakeOptions {
  readonly config: string
  readonly lake?: string
}

export const MEMORY_LIMIT_BYTES = 2 ** 30

export function withLakeOptions(command: Command): Command {
  return command
    .option('-c, --config <file>', 'the configuration that names the lake', 'stoker.yaml')
    .option('--lake <folder>', 'the lake folder itself; no configuration is read')
}

/** @throws StokerError LAKE_NONE when there is neither a database nor a catalog */
export async function lakeOf(options: LakeOptions): Promise<{ lake: Lake; memoryLimitBytes: number }> {
  const named = options.lake === undefined ? await configuredLake(options.config) : undefined
  const lake = new Lake(named?.lake ?? resolve(options.lake!))
  if ((await isMissing(lake.database)) && (await isMissing(lake.catalog))) {
    const wayOut = named === undefined ? 'check the path after --lake' : `check the lake folder in ${options.config}`
    throw new StokerError('LAKE_NONE', `there is no lake in ${lake.root} yet`, {
      hint: `run stoker sync first, which makes it, or ${wayOut}`,
    })
  }
  return { lake, memoryLimitBytes: named?.memoryLimitBytes ?? MEMORY_LIMIT_BYTES }
}

/** What reads YAML and knows schemas is a third of such a command's start: it is loaded where there is a configuration. */
async function configuredLake(config: string): ReturnType<typeof loadLake> {
  return (await import('../app/config-lake.ts')).loadLake(config)
}

/** What may not be looked at is there for all we know: whoever opens it says more. */
export async function isMissing(path: string): Promise<boolean> {
  return access(path).then(
    () => false,
    ({ code }: NodeJS.ErrnoException) => code === 'ENOENT' || code === 'ENOTDIR',
  )
}
