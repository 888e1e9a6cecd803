/** A folder with a configuration file and what it refers to, for one test. */
import { generateKeyPairSync } from 'node:crypto'
import { chmod, mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { ConfigError, type ConfigFinding } from '../../src/app/config-findings.ts'
import { type LoadedConfig, loadConfig } from '../../src/app/config.ts'

export const RSA_PEM = generateKeyPairSync('rsa', { modulusLength: 2048 })
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString()

/** Names and texts of files; the key `stoker.yaml` is the configuration. Private unless `mode` says otherwise. */
export async function makeFolder(files: Readonly<Record<string, string>>, mode = 0o600): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'stoker-config-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
    // Whatever the umask is.
    await chmod(join(folder, name), mode)
  }
  return folder
}

/** One view that stands for the shipped ones, so that these tests do not depend on what those are. */
export const OWN_VIEWS = {
  'views/patient.json': '{"resourceType": "ViewDefinition", "resource": "Patient", "select": []}',
  'views/condition.json': '{"resourceType": "ViewDefinition", "resource": "Condition", "select": []}',
}

export const MACHINE_BYTES = 8 * 2 ** 30

export async function loadText(
  yaml: string,
  files: Readonly<Record<string, string>> = {},
  env: NodeJS.ProcessEnv = {},
): Promise<LoadedConfig> {
  const folder = await makeFolder({ 'stoker.yaml': yaml, ...OWN_VIEWS, ...files })
  return loadConfig(join(folder, 'stoker.yaml'), env, MACHINE_BYTES)
}

/** The mistakes of a configuration that must not load. */
export async function mistakesOf(
  yaml: string,
  files: Readonly<Record<string, string>> = {},
  env: NodeJS.ProcessEnv = {},
): Promise<readonly ConfigFinding[]> {
  try {
    await loadText(yaml, files, env)
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes
    throw error
  }
  throw new Error('the configuration loaded, and should not have')
}

/** `line:column path: problem | way out`, for reading in an assertion. */
export function brief(findings: readonly ConfigFinding[]): string[] {
  return findings.map(({ line, column, path, problem, wayOut }) => `${line}:${column} ${path}: ${problem} | ${wayOut}`)
}
