/** The repository holds what it should and nothing else. */
import { spawnSync } from 'node:child_process'
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'
import { ROOT, importedPackage, readTree, walk } from './source-tree.ts'

const TOP_LEVEL = [
  'src',
  'schemas',
  'test',
  'config',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'Dockerfile',
  'README.md',
  'LICENSE',
]

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest

test('the top level holds only the names the design allows', ({ skip }) => {
  const git = spawnSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8' })
  if (git.error || git.status !== 0) skip('not a git checkout, or git is missing')
  const names = new Set(
    git.stdout
      .split('\0')
      .filter(Boolean)
      .map((path) => path.split('/')[0]!),
  )
  expect([...names].filter((name) => !name.startsWith('.') && !TOP_LEVEL.includes(name))).toEqual([])
})

test('.ci/run can be executed', () => {
  expect(statSync(join(ROOT, '.ci/run')).mode & 0o111).not.toBe(0)
})

describe('schemas', () => {
  const names = readdirSync(join(ROOT, 'schemas'), { recursive: true, encoding: 'utf8' })
  test.each(names.filter((name) => name.endsWith('.json')))('%s is JSON', (name) => {
    expect(() => void JSON.parse(readFileSync(join(ROOT, 'schemas', name), 'utf8'))).not.toThrow()
  })
})

describe('packages', () => {
  const files = readTree('src')
  const imported = new Set(files.flatMap((file) => file.imports.map(importedPackage)))

  test('every package that src imports is a dependency', () => {
    const known = new Set([undefined, ...Object.keys(manifest.dependencies)])
    expect([...imported].filter((name) => !known.has(name))).toEqual([])
  })

  test('every dependency does work in src', () => {
    // A package may also be named by text alone: pino loads its targets by name.
    const named = new Set<string>()
    for (const file of files) walk(file.tree, (node) => void (ts.isStringLiteral(node) && named.add(node.text)))
    const idle = Object.keys(manifest.dependencies).filter((name) => !imported.has(name) && !named.has(name))
    expect(idle).toEqual([])
  })

  test.each([
    '@duckdb/node-api',
    'apache-arrow',
    'undici',
    'jose',
    'stream-json',
    'split2',
    'pino',
    'p-queue',
    'vitest',
  ])('%s is one of the packages this project stands on', (name) => {
    expect({ ...manifest.dependencies, ...manifest.devDependencies }).toHaveProperty([name])
  })
})
