/** The environment is read in one place, and only the command line speaks to the terminal. */
import { expect, test } from 'vitest'
import { readTree, usesOf } from './source-tree.ts'

const files = readTree('src')

function outside(folders: readonly string[], object: string, properties?: readonly string[]): string[] {
  return files.filter((file) => !folders.includes(file.folder)).flatMap((file) => usesOf(file, object, properties))
}

test('only app reads the environment', () => {
  expect(outside(['app'], 'process', ['env'])).toEqual([])
})

test('nobody imports the process as a module, which would hide what is used of it', () => {
  const found = files.filter((file) => file.imports.some((each) => /^(node:)?process$/.test(each.specifier)))
  expect(found.map((file) => file.path)).toEqual([])
})

test('nobody uses the console', () => {
  expect(outside([], 'console')).toEqual([])
})

test('only the command line and its wiring use the standard streams, signals and the exit code', () => {
  const streams = ['stdin', 'stdout', 'stderr', 'exit', 'exitCode', 'on', 'once', 'argv', 'cwd', 'chdir']
  expect(outside(['cli', 'main', 'app'], 'process', streams)).toEqual([])
})
