/** The configuration file, read and checked for its shape: what every command begins with. */
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { StokerError } from '../core/errors.ts'
import { ConfigDocument } from './config-document.ts'
import { ConfigFields } from './config-fields.ts'
import { ConfigError, ConfigFindings } from './config-findings.ts'
import { checkShape } from './config-shape.ts'
import { EXAMPLE_FILE } from './shown-path.ts'

/** Relative to `src/app` and to `dist/app` alike. */
const SCHEMAS = new URL('../../schemas/', import.meta.url)

export interface ConfigFile {
  /** Absolute. */
  readonly file: string
  /** Absolute; relative paths in the file start here. */
  readonly folder: string
  /** The whole of it; its findings hold those of the shape. */
  readonly fields: ConfigFields
}

/**
 * @throws {ConfigError} where the text is no YAML, or empty
 * @throws {StokerError} `CONFIG_UNREADABLE` when there is no such file or it can't be read
 */
export async function openConfigFile(path: string): Promise<ConfigFile> {
  const document = new ConfigDocument(await readText(path))
  const findings = new ConfigFindings(path, document)
  if (!document.readable) throw new ConfigError(path, findings.mistakes())
  checkShape(document.value, (await readSchema('config.schema.json')) as Record<string, unknown>, findings)
  const file = resolve(path)
  return { file, folder: dirname(file), fields: new ConfigFields(document.value, [], findings) }
}

/** A JSON file of `schemas/`. */
export async function readSchema(name: string): Promise<unknown> {
  return JSON.parse(await readFile(new URL(name, SCHEMAS), 'utf8')) as unknown
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    const problem = code === 'ENOENT' ? 'there is no such file' : `it can not be read (${code ?? 'unknown reason'})`
    const hint = `Give the path by --config; ${EXAMPLE_FILE} is a start for a file of your own.`
    throw new StokerError('CONFIG_UNREADABLE', `${path}: ${problem}`, { hint, facts: { file: path }, cause: error })
  }
}
