/** A folder of views: all compiled, or every mistake named. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadViews, ViewsError } from '../../src/views/library.ts'
import { viewOf } from './run-view.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stoker-views-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const write = (name: string, content: unknown) =>
  writeFile(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content))

test('every JSON file of the folder is a view, by file name', async () => {
  await write('b.json', viewOf('Patient', { id: 'id' }, { name: 'patients', description: 'One row per Patient.' }))
  await write('a.json', viewOf('Condition', { id: 'id' }, { name: 'conditions' }))
  await write('note.txt', 'no view')
  const views = await loadViews(folder)
  expect(views.map(({ name, resource, description }) => ({ name, resource, description }))).toEqual([
    { name: 'conditions', resource: 'Condition', description: undefined },
    { name: 'patients', resource: 'Patient', description: 'One row per Patient.' },
  ])
})

test('all mistakes of all files are named at once, each with its place and the way out', async () => {
  await write('a.json', viewOf('Patient', { id: 'id' }, { name: 'patients' }))
  await write('b.json', viewOf('Patient', { id: 'idd', family: 'name.first().famly' }, { name: 'names' }))
  await write('c.json', '{"resource": ')
  await write('d.json', viewOf('Patient', { id: 'id' }))
  await write('e.json', viewOf('Condition', { id: 'id' }, { name: 'Patients' }))
  const error = await loadViews(folder).then(
    () => expect.unreachable(),
    (caught: unknown) => caught,
  )
  expect(error).toBeInstanceOf(ViewsError)
  expect((error as ViewsError).mistakes.map(({ place }) => place)).toEqual([
    { file: 'b.json', view: 'names', path: 'select[0].column[0].path', position: 1 },
    { file: 'b.json', view: 'names', path: 'select[0].column[1].path', position: 14 },
    { file: 'c.json', position: 13 },
    { file: 'd.json', path: 'name' },
    { file: 'e.json', path: 'name' },
  ])
  expect((error as ViewsError).message).toContain(
    'b.json, select[0].column[1].path, character 14: HumanName has no element famly (did you mean family?)',
  )
})

test('a table has no name that its snapshot, its database or its folder uses otherwise', async () => {
  const long = (characters: number) => 'p'.repeat(characters)
  const names = ['stoker', 'Stoker', 'duckdb_columns', 'SQLITE_master', 'pragma_database_list', long(256)]
  for (const [i, name] of names.entries()) await write(`${i}.json`, viewOf('Patient', { id: 'id' }, { name }))
  const error = await loadViews(folder).then(
    () => expect.unreachable(),
    (caught: unknown) => caught as ViewsError,
  )
  expect(error.mistakes.map(({ place }) => place)).toEqual(names.map((_, i) => ({ file: `${i}.json`, path: 'name' })))
  expect(error.message).toContain("0.json, name: stoker is the place of Stoker's own tables")
  expect(error.message).toContain('name the table otherwise')
  for (const [i, name] of ['stoker_patient', 'duckdb', 'sqlite', long(255)].entries()) {
    await write(`${i}.json`, viewOf('Patient', { id: 'id' }, { name }))
  }
  for (const i of [4, 5]) await rm(join(folder, `${i}.json`))
  expect(await loadViews(folder)).toHaveLength(4)
})

test.each(['manifest.json', 'catalog.duckdb', 'a/b', '..', '_source'])(
  'a table may not be called %s: no database would take it without quotes',
  async (name) => {
    await write('a.json', viewOf('Patient', { id: 'id' }, { name }))
    await expect(loadViews(folder)).rejects.toThrow(/a\.json, name: must be letters/)
  },
)

test('the views that come with Stoker compile', async () => {
  const views = await loadViews(new URL('../../schemas/views/us-core/', import.meta.url).pathname)
  expect(views.length).toBeGreaterThan(0)
})
