/** Files are small, say what they are, and are named for the noun they hold. */
import { basename } from 'node:path'
import ts from 'typescript'
import { expect, test } from 'vitest'
import { readTree } from './source-tree.ts'

const source = readTree('src')
const everything = [...source, ...readTree('test')]

const LINES_MAX = 300

test(`no source file is longer than ${LINES_MAX} lines`, () => {
  const long = source.filter((file) => file.text.trimEnd().split('\n').length > LINES_MAX)
  expect(long.map((file) => file.path)).toEqual([])
})

test('every source file opens with a doc comment that says what it is', () => {
  const silent = source.filter((file) => !/^(#!.*\n)?\/\*\*\s+\*?\s*\S/.test(file.text))
  expect(silent.map((file) => file.path)).toEqual([])
})

test('names are in kebab-case and name a noun, not a drawer', () => {
  const drawer = /(^|-)(utils?|helpers?|common|shared|misc|index)(-|\.|$)|^types\.ts$/
  const wrong = source.filter(
    ({ path }) =>
      path.split('/').some((step) => drawer.test(step)) || !/^[a-z0-9]+(-[a-z0-9]+)*\.ts$/.test(basename(path)),
  )
  expect(wrong.map((file) => file.path)).toEqual([])
})

test('no folder lies deeper than two below src', () => {
  expect(source.map((file) => file.path).filter((path) => path.split('/').length > 4)).toEqual([])
})

test('no file passes on what others export', () => {
  const passing = source.filter(
    (file) =>
      file.tree.statements.some(
        (statement) => ts.isExportDeclaration(statement) && statement.moduleSpecifier && !statement.exportClause,
      ) ||
      (file.tree.statements.length > 0 &&
        file.tree.statements.every((statement) => ts.isExportDeclaration(statement) && statement.moduleSpecifier)),
  )
  expect(passing.map((file) => file.path)).toEqual([])
})

test('nothing is left for later in the source', () => {
  const marks = everything.flatMap((file) =>
    file.text
      .split('\n')
      .flatMap((line, index) =>
        /\b(TODO|FIXME|XXX|HACK)\b/.test(line) && !file.path.endsWith('house/files.test.ts')
          ? [`${file.path}:${index + 1}`]
          : [],
      ),
  )
  expect(marks).toEqual([])
})
