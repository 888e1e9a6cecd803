/** Of the configuration what a reader of the lake needs: no source, so no secret, key or server of one. */
import { totalmem } from 'node:os'
import { resolve } from 'node:path'
import type { Keeping } from '../warehouse/keeping.ts'
import { parseByteSize } from './byte-size.ts'
import type { ConfigFields } from './config-fields.ts'
import { type ConfigFile, openConfigFile } from './config-file.ts'
import { ConfigError } from './config-findings.ts'
import { readKeeping } from './config-keeping.ts'

export interface LakeConfig {
  /** Absolute path of the lake folder; it need not exist yet. */
  readonly lake: string
  /** DuckDB's `memory_limit`. */
  readonly memoryLimitBytes: number
  readonly keeping: Keeping
}

const GIB = 2 ** 30
/** Less than this and DuckDB can't even hold the buffers of its threads. */
export const MEMORY_LIMIT_BYTES_MIN = 128 * 2 ** 20

/** For a DuckDB beside the worker's own, of half as much: together they may take half as much again as `memoryLimit` says. */
export function besideBytes(memoryLimitBytes: number): number {
  return Math.max(MEMORY_LIMIT_BYTES_MIN, Math.floor(memoryLimitBytes / 2))
}

/**
 * Mistakes in sources and views stop no reader.
 * @throws {ConfigError} naming every other mistake; `CONFIG_UNREADABLE` as {@link openConfigFile}
 */
export async function loadLake(path: string): Promise<LakeConfig> {
  const opened = await openConfigFile(path)
  const lake = readLake(opened, machineMemoryBytes())
  const mistakes = opened.fields.findings.mistakes().filter((each) => !/^(sources|views)\b/.test(each.path))
  if (mistakes.length > 0) throw new ConfigError(path, mistakes)
  return lake
}

/** Names of its sources, whatever else is wrong with them; undefined where it has none, or one without a name. */
export async function sourceNames(path: string): Promise<readonly string[] | undefined> {
  const { fields } = await openConfigFile(path)
  const names = fields.children('sources').flatMap((source) => source.text('name') ?? [])
  return names.length > 0 && names.length === fields.children('sources').length ? names : undefined
}

/** @param machineBytes memory of the machine or of the container, for the default limit */
export function readLake({ fields, folder }: Omit<ConfigFile, 'file'>, machineBytes: number): LakeConfig {
  return {
    lake: resolve(folder, fields.text('lake') ?? ''),
    memoryLimitBytes: readMemoryLimit(fields, machineBytes),
    keeping: readKeeping(fields),
  }
}

function readMemoryLimit(fields: ConfigFields, machineBytes: number): number {
  const text = fields.text('memoryLimit')
  if (text === undefined) return Math.max(MEMORY_LIMIT_BYTES_MIN, Math.min(GIB, Math.floor(machineBytes / 2)))
  const bytes = parseByteSize(text)
  if (bytes === undefined) fields.mistake('memoryLimit', 'is no size', 'Write a number and its unit: 512MB, 2GiB.')
  else if (bytes < MEMORY_LIMIT_BYTES_MIN) fields.mistake('memoryLimit', 'is too little', 'Give 128MiB or more.')
  else if (bytes > machineBytes) {
    fields.warning('memoryLimit', 'is more than this machine has', 'Leave room for the process itself.')
  }
  return bytes ?? GIB
}

/** Of the container where there is one (`constrainedMemory` is 0 or absurdly large where there is none). */
export function machineMemoryBytes(): number {
  return Math.min(totalmem(), process.constrainedMemory() || Infinity)
}
