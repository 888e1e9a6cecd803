/** Secrets of the configuration: read from a file or an environment variable, wrapped at once. */
import { readFile, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { ConfigFields } from './config-fields.ts'
import type { Trouble } from './config-findings.ts'
import { Secret } from './secret.ts'
import { shownPath } from './shown-path.ts'

export interface SecretPlaces {
  /** Relative paths start here: the configuration file's folder. */
  readonly folder: string
  readonly env: NodeJS.ProcessEnv
}

/** Reads `<name>File` or `<name>Env`, whichever stands there; undefined when a mistake was reported. */
export async function readSecret(
  fields: ConfigFields,
  name: string,
  places: SecretPlaces,
): Promise<Secret | undefined> {
  const fileKey = `${name}File`
  const envKey = `${name}Env`
  if (fields.has(fileKey) && fields.has(envKey)) {
    fields.mistake(envKey, `is given beside ${fileKey}`, 'Keep one of the two.')
    return undefined
  }
  if (fields.has(envKey)) return fromEnvironment(fields, envKey, places.env)
  if (fields.has(fileKey)) return fromFile(fields, fileKey, places.folder)
  if (fields.isMeant(envKey)) return undefined
  fields.missing(fileKey, `Give ${fileKey} (a path) or ${envKey} (the name of an environment variable).`)
  return undefined
}

function fromEnvironment(fields: ConfigFields, key: string, env: NodeJS.ProcessEnv): Secret | undefined {
  const variable = fields.text(key)
  if (variable === undefined) return undefined
  const value = env[variable]?.trim() ?? ''
  if (value !== '') return new Secret(value)
  // What is not in capitals may be the secret itself, put here by mistake.
  const shown = /^[A-Z][A-Z0-9_]{0,63}$/.test(variable) ? ` ${variable}` : ''
  const state = env[variable] === undefined ? 'not set' : 'empty'
  fields.mistake(key, `the environment variable${shown} is ${state}`, 'Set it where Stoker is started.')
  return undefined
}

async function fromFile(fields: ConfigFields, key: string, folder: string): Promise<Secret | undefined> {
  const path = fields.text(key)
  if (path === undefined) return undefined
  if (path.includes('\n') || path.includes('-----BEGIN') || path.startsWith('{') || path.startsWith('eyJ')) {
    fields.mistake(key, 'holds a secret instead of the path of its file', 'Put the secret in a file and name it here.')
    return undefined
  }
  const file = resolve(folder, path)
  // A word without slash or dot may be the secret itself, put here by mistake.
  const shown = /[/\\.]/.test(path) && path.length <= 200 ? shownPath(file) : `such a name in ${dirname(file)}`
  try {
    const text = (await readFile(file, 'utf8')).trim()
    if (text === '') {
      fields.mistake(key, 'the file is empty', 'Put the secret in it.')
      return undefined
    }
    await warnIfOthersRead(fields, key, file)
    return new Secret(text)
  } catch (error) {
    const [problem, wayOut] = fileTrouble((error as NodeJS.ErrnoException).code, shown)
    fields.mistake(key, problem, wayOut)
    return undefined
  }
}

/** Windows keeps no such bits. */
async function warnIfOthersRead(fields: ConfigFields, key: string, file: string): Promise<void> {
  const { mode } = await stat(file)
  if (process.platform === 'win32' || (mode & 0o077) === 0) return
  const octal = (mode & 0o777).toString(8)
  fields.warning(key, `others on this machine may read the file (mode ${octal})`, 'Take that away: chmod 600.')
}

function fileTrouble(code: string | undefined, shown: string): Trouble {
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return [`there is no file ${shown}`, 'Put it there, or correct the path, relative to this file.']
    case 'EACCES':
    case 'EPERM':
      return [`Stoker may not read ${shown}`, 'Give the user Stoker runs as the right to read it.']
    case 'EISDIR':
      return [`is a folder: ${shown}`, 'Name the file in it.']
    case undefined:
    default:
      return [`can not be read (${code ?? 'unknown reason'})`, 'Look at the file and its disk.']
  }
}
