/** Which lake a reading command reads: of a configuration, or named itself. */
import type { Command } from 'commander'
import { resolve } from 'node:path'
import { loadLake } from '../app/config-lake.ts'
import { Lake } from '../warehouse/lake.ts'

export interface LakeOptions {
  readonly config: string
  readonly lake?: string
}

const MEMORY_LIMIT_BYTES = 2 ** 30

export function withLakeOptions(command: Command): Command {
  return command
    .option('-c, --config <file>', 'the configuration that names the lake', 'stoker.yaml')
    .option('--lake <folder>', 'the lake folder itself; no configuration is read')
}

export async function lakeOf(options: LakeOptions): Promise<{ lake: Lake; memoryLimitBytes: number }> {
  if (options.lake !== undefined) return { lake: new Lake(resolve(options.lake)), memoryLimitBytes: MEMORY_LIMIT_BYTES }
  const { lake, memoryLimitBytes } = await loadLake(options.config)
  return { lake: new Lake(lake), memoryLimitBytes }
}
