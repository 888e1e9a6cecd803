/** What `npm pack` makes: a package that installs into an empty folder and runs there. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { ROOT } from '../house/source-tree.ts'

const run = promisify(execFile)

interface Packed {
  readonly filename: string
  readonly files: readonly { readonly path: string }[]
}

/** It asks the registry for the packages it depends on, so it runs where somebody says so. */
const INSTALLS = process.env.STOKER_INSTALL === '1'
if (!INSTALLS) process.stdout.write('pack.test.ts: the packed package is not installed; STOKER_INSTALL=1 does it\n')

describe('npm pack', () => {
  let folder: string
  let packed: Packed

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'stoker-pack-'))
    // dist was built before the tests, and others are running on it.
    const args = [
      'pack',
      '--json',
      '--ignore-scripts',
      '--offline',
      '--no-update-notifier',
      '--pack-destination',
      folder,
    ]
    if (!INSTALLS) args.push('--dry-run')
    packed = (JSON.parse((await run('npm', args, { cwd: ROOT })).stdout) as [Packed])[0]
    return () => rm(folder, { recursive: true, force: true })
  }, 60_000)

  test('takes the program, its schemas, views and examples, and nothing else', () => {
    const paths = packed.files.map(({ path }) => path)
    expect(paths).toEqual(
      expect.arrayContaining(['dist/main.js', 'schemas/config.schema.json', 'config/stoker.example.yaml', 'LICENSE']),
    )
    const known = /^(dist\/.+\.js|schemas\/.+|config\/.+|src\/http\/page\/assets\/.+|package\.json|README\.md|LICENSE)$/
    expect(paths.filter((path) => !known.test(path))).toEqual([])
  })

  test.runIf(INSTALLS)(
    'installed into an empty folder, npx fhir-stoker demo goes through',
    async () => {
      const place = join(folder, 'empty')
      await mkdir(place)
      await writeFile(join(place, 'package.json'), '{"private": true}\n')
      await run('npm', ['install', '--no-audit', '--no-fund', join(folder, packed.filename)], { cwd: place })
      const { stdout } = await run('npx', ['--no-install', 'fhir-stoker', 'demo', '--patients', '20'], {
        cwd: place,
        maxBuffer: 1 << 26,
      })
      expect(stdout).toContain('catalog.duckdb')
    },
    300_000,
  )
})
