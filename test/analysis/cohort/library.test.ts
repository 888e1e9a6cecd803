import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { mistakeText } from '../../../src/analysis/cohort/definition.ts'
import { cohortNamed, readCohorts } from '../../../src/analysis/cohort/library.ts'

let folder: string
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'stoker-cohorts-'))))
afterEach(() => rm(folder, { recursive: true }))

const HEAD = '-- title: t\n-- description: d\n'
const write = (name: string, text: string) => writeFile(join(folder, name), text)

test('files that are right are read, and each mistake of the others is told with its line', async () => {
  await write('good.sql', `${HEAD}SELECT 'é' AS patient_key`)
  await write('notes.txt', 'not looked at')
  await mkdir(join(folder, 'deeper.sql'))
  await write('syntax.sql', `${HEAD}\nSELECT 'ééé' AS patient_key\nFROM patient\nWHERE AND true`)
  await write('open.sql', `${HEAD}SELECT patient_key FROM (`)
  await write('insert.sql', `${HEAD}-- now\n\nINSERT INTO patient VALUES (1)`)
  await write('two.sql', `${HEAD}SELECT 1 AS patient_key; SELECT 2`)
  await write('header.sql', 'SELECT 1')
  const { definitions, mistakes } = await readCohorts([folder])
  expect(definitions.map((each) => each.name)).toEqual(['good'])
  expect(mistakes.map((each) => mistakeText(each).replace(`${folder}/`, '')).sort()).toEqual([
    expect.stringMatching(/^header\.sql:1: there is no description/),
    expect.stringMatching(/^header\.sql:1: there is no title/),
    expect.stringMatching(/^insert\.sql:4: is neither a key|^insert\.sql:3: is neither a key/),
    expect.stringMatching(/^open\.sql:3: syntax error at end of input: put the SELECT right/),
    expect.stringMatching(/^syntax\.sql:6: syntax error at or near "AND"/),
    expect.stringMatching(/^two\.sql:3: there are 2 statements: a cohort is one SELECT/),
  ])
})

test('what is no SELECT is told by its verb', async () => {
  await write('insert.sql', `${HEAD}\n-- now\nINSERT INTO patient VALUES (1)`)
  const { mistakes } = await readCohorts([folder])
  expect(mistakes).toMatchObject([{ name: 'insert', message: 'INSERT is no SELECT' }])
})

test('a folder that is not there, a file that is too long, and a name that is there twice are mistakes of their own', async () => {
  await mkdir(join(folder, 'a'))
  await mkdir(join(folder, 'b'))
  for (const each of ['a', 'b']) await write(`${each}/same.sql`, `${HEAD}SELECT '${each}' AS patient_key`)
  await write('a/long.sql', `${HEAD}SELECT 1${' '.repeat(1 << 20)}`)
  const { definitions, mistakes } = await readCohorts(['a', 'b', 'c'].map((each) => join(folder, each)))
  expect(definitions.map(({ file }) => file)).toEqual([join(folder, 'a/same.sql')])
  expect(mistakes.map(mistakeText)).toEqual([
    `${folder}/a/long.sql: is longer than 1 MiB: a cohort is one SELECT`,
    `${folder}/b/same.sql: ${folder}/a/same.sql has that name too: rename one`,
    `${folder}/c: there is no such folder: see cohorts in the configuration`,
  ])
})

test.skipIf(process.getuid?.() === 0)('a file that may not be read is told as such', async () => {
  await write('mine.sql', HEAD)
  await chmod(join(folder, 'mine.sql'), 0)
  expect((await readCohorts([folder])).mistakes).toMatchObject([{ message: 'can not be read (EACCES)' }])
})

test('one asked for by a name that is not there is told with the nearest, one with mistakes with them', async () => {
  await write('statin-gap.sql', `${HEAD}SELECT 1 AS patient_key`)
  await write('wrong.sql', `${HEAD}SELEC 1`)
  const library = await readCohorts([folder])
  expect(cohortNamed(library, 'statin-gap').name).toBe('statin-gap')
  expect(() => cohortNamed(library, 'statin')).toThrow(
    expect.objectContaining({ code: 'COHORT_UNKNOWN', hint: 'did you mean statin-gap?' }),
  )
  expect(() => cohortNamed(library, 'wrong')).toThrow(
    expect.objectContaining({
      code: 'COHORT_INVALID',
      message: expect.stringContaining('wrong.sql:3: syntax error') as string,
    }),
  )
  expect(() => cohortNamed({ definitions: [], mistakes: [] }, 'x')).toThrow(/there is no cohort x/)
})
