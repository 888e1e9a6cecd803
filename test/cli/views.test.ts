/** `stoker views`, each subcommand as a process of its own: no server, no warehouse, no configuration. */
import { readFile, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { makeFolder, stoker } from './command.ts'

const PATIENTS = new URL('../fixtures/us-core/Patient.ndjson', import.meta.url).pathname
const CONDITIONS = new URL('../fixtures/us-core/Condition.ndjson', import.meta.url).pathname

const WRONG = `{
  "resourceType": "ViewDefinition", "resource": "Patient", "name": "wrong",
  "select": [{ "column": [
    { "name": "family", "path": "nmae.family" },
    { "name": "born", "path": "birthDate", "tpye": "date" }
  ] }]
}`

const json = (text: string) => JSON.parse(text) as unknown

async function folderOf(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await makeFolder()
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  return folder
}

describe('list', () => {
  test('shows the views that come with Stoker, what their rows are, and those of a folder', async () => {
    const { code, stdout } = await stoker('views', 'list')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^blood_pressure +Observation +\d+ +One row per Observation of a blood pressure\.$/m)
    const listed = json((await stoker('views', 'list', '--json')).stdout)
    expect(listed).toEqual(expect.arrayContaining([expect.objectContaining({ name: 'patient', resource: 'Patient' })]))
  })
})

describe('check', () => {
  test('names every mistake with file, line, path, position and the nearest right name', async () => {
    const folder = await folderOf({ 'a.json': WRONG, 'b.json': '{"resource": ' })
    const { code, stdout } = await stoker('views', 'check', folder)
    expect(code).toBe(2)
    expect(stdout).toContain(
      `${folder}/a.json:4:33: select[0].column[0].path, character 1: Patient has no element nmae (did you mean name?)`,
    )
    expect(stdout).toContain(`${folder}/a.json:5:5: select[0].column[1]: there is no tpye here (did you mean type?)`)
    expect(stdout).toContain(`${folder}/b.json:1:13: this is no JSON: Unexpected end of JSON input\n`)
    expect(stdout).toMatch(/2 views: 3 mistakes\n$/)
    expect(json((await stoker('views', 'check', folder, '--json')).stdout)).toMatchObject({
      views: 2,
      mistakes: expect.arrayContaining([
        expect.objectContaining({ line: 4, path: 'select[0].column[0].path', position: 1, hint: 'did you mean name?' }),
      ]) as unknown,
    })
  })

  test('names mistakes in the order of the file, and where a text ceases to be JSON, in one line each', async () => {
    const columns =
      '[{"name": "id", "path": "id", "typ": "id"}, {"name": "1", "path": "id"}, {"name": "x", "path": "y"}]'
    const folder = await folderOf({
      'a.json': `{"name": "a", "resource": "Patient", "select": [{"column": ${columns}}]}`,
      'b.json': '{\n  "name": "b",\n  "select": [1, 2,]\n}\n',
      'c.json': '\uFEFF{"name": "c", "resource": "Patient", "select": [{"column": [{"name": "id", "path": "id"}]}]}',
    })
    const { stdout } = await stoker('views', 'check', folder)
    const lines = stdout.trimEnd().split('\n')
    expect(lines.slice(0, -1).map((line) => /[abc]\.json:\d+:\d+/.exec(line)?.[0])).toEqual([
      'a.json:1:61',
      'a.json:1:113',
      'a.json:1:155',
      'b.json:3:19',
    ])
    expect(lines.at(-2)).toBe(`${folder}/b.json:3:19: this is no JSON: Unexpected token ']'`)
  })

  test('finds nothing wrong in the views that come with Stoker', async () => {
    expect(await stoker('views', 'check')).toMatchObject({ code: 0, stderr: '' })
  })

  test('a name that two views have is a mistake of the second', async () => {
    const view = '{"resource": "Patient", "name": "same", "select": [{"column": [{"name": "id", "path": "id"}]}]}'
    const folder = await folderOf({ 'a.json': view, 'b.json': view })
    expect((await stoker('views', 'check', folder)).stdout).toMatch(
      /b\.json:1:\d+: name: the name same belongs to .*a\.json/,
    )
  })
})

describe('compile', () => {
  test('prints the SQL, or all that is known of the view', async () => {
    const { code, stdout } = await stoker('views', 'compile', 'patient_address', '--input', PATIENTS)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^SELECT "patient_key",[^]*read_ndjson_objects\(\['.*Patient\.ndjson'\][^]*;\n$/)
    expect(json((await stoker('views', 'compile', 'patient_address', '--json')).stdout)).toMatchObject({
      name: 'patient_address',
      resource: 'Patient',
      columns: expect.arrayContaining([expect.objectContaining({ name: 'postal_code', type: 'VARCHAR' })]) as unknown,
    })
  })

  test('a view with mistakes has no SQL: all of them are named', async () => {
    const folder = await folderOf({ 'a.json': WRONG })
    const { code, stdout, stderr } = await stoker('views', 'compile', join(folder, 'a.json'))
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/tpye here \(did you mean type\?\)[^]*nmae \(did you mean name\?\)/)
  })
})

describe('run', () => {
  test('gives the rows of a file as NDJSON, CSV or a table', async () => {
    const rows = await stoker('views', 'run', 'patient', '--input', PATIENTS, '--format', 'ndjson')
    expect(rows.code).toBe(0)
    expect(rows.stdout.trimEnd().split('\n').map(json)).toMatchObject([
      { id: 'ada', birth_date: '1931-02-28', deceased_datetime: '2024-03-10T04:30:00Z', race_code: '2106-3' },
      { id: 'ben', birth_date: '1988-12-01', deceased_datetime: null, race_code: null },
    ])
    const csv = await stoker('views', 'run', 'condition_coding', '--input', CONDITIONS, '--format', 'csv')
    expect(csv.stdout).toMatch(/^condition_key,patient_key,coding_index,code,/)
    expect(csv.stdout).toContain('Condition/pneumonia,Patient/ada,0,J18.9,')
    const table = await stoker('views', 'run', 'condition_coding', '--input', CONDITIONS)
    expect(table.stdout).toMatch(/Condition\/pneumonia +Patient\/ada +1 +233604007[^]*2 rows\n$/)
  })

  test('reads several files, passes over resources of other types, and writes a file for its owner alone', async () => {
    const out = join(await makeFolder(), 'rows.csv')
    const words = ['--input', PATIENTS, CONDITIONS, '--format', 'csv', '--out', out]
    expect(await stoker('views', 'run', 'patient', ...words)).toMatchObject({ code: 0, stdout: '', stderr: '' })
    expect((await readFile(out, 'utf8')).trimEnd().split('\n')).toHaveLength(3)
    expect((await stat(out)).mode & 0o777).toBe(0o600)
  })

  test('says that a folder is no view', async () => {
    const { code, stderr } = await stoker('views', 'run', await makeFolder(), '--input', PATIENTS)
    expect(code).toBe(2)
    expect(stderr).toContain('is a folder, where one view is wanted')
  })

  test('says what to do about a file that is not there, a view that is not there, and a line that is no JSON', async () => {
    const bad = join(await folderOf({ 'bad.ndjson': '{"resourceType": "Patient"}\n{"name": Secret}\n' }), 'bad.ndjson')
    const run = (view: string, file: string) => stoker('views', 'run', view, '--input', file, '--format', 'csv')
    expect(await run('patient', 'nowhere.ndjson')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there is no file nowhere.ndjson') as unknown,
    })
    expect(await run('patiant', PATIENTS)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('did you mean patient?') as unknown,
    })
    const broken = await run('patient', bad)
    expect(broken.code).toBe(3)
    expect(broken.stderr).toMatch(/line 2 of .*bad\.ndjson .*is no resource as JSON/)
    expect(broken.stderr).not.toContain('Secret')
  })
})

describe('docs', () => {
  test('is a dictionary of every table and column, as Markdown and as JSON', async () => {
    const { code, stdout } = await stoker('views', 'docs')
    expect(code).toBe(0)
    expect(stdout).toContain('- [patient_address](#patient_address): One row per address of a Patient.')
    expect(stdout).toContain('## patient_address\n\nOne row per address of a Patient. Key: patient_key, address_index.')
    expect(stdout).toContain('| `city` | VARCHAR | string | `address → city` |')
    const tables = json((await stoker('views', 'docs', '--json')).stdout) as { name: string; columns: object[] }[]
    expect(tables.find(({ name }) => name === 'patient_address')?.columns[1]).toMatchObject({
      name: 'address_index',
      type: 'INTEGER',
      sources: ['address → %rowIndex'],
    })
  })
})

describe('generate', () => {
  test('prints the default views of a type, or writes a file for each, and they run', async () => {
    const printed = json((await stoker('views', 'generate', 'CarePlan')).stdout) as { name: string }[]
    expect(printed.map(({ name }) => name)).toEqual(expect.arrayContaining(['care_plan', 'care_plan_activity']))
    const out = join(await makeFolder(), 'views')
    expect(await stoker('views', 'generate', 'Patient', 'CarePlan', '--out', out)).toMatchObject({ code: 0 })
    expect(await readdir(out)).toEqual(expect.arrayContaining(['care_plan.json', 'patient_name.json']))
    expect(await stoker('views', 'check', out)).toMatchObject({ code: 0 })
    const view = join(out, 'patient_name.json')
    const rows = await stoker('views', 'run', view, '--input', PATIENTS, '--format', 'ndjson')
    expect(json(rows.stdout.split('\n')[0]!)).toMatchObject({ patient_key: 'Patient/ada', name_index: 0 })
  })

  test('a type that does not exist, and none at all, end with 2 and the way out', async () => {
    expect(await stoker('views', 'generate', 'Conditon')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('did you mean Condition?') as unknown,
    })
    expect(await stoker('views', 'generate')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--all') as unknown,
    })
  })
})

describe('test', () => {
  const view = { resource: 'Patient', select: [{ column: [{ name: 'id', path: 'id', type: 'id' }] }] }
  const suite = {
    title: 'own',
    resources: [{ resourceType: 'Patient', id: 'a' }],
    tests: [
      { title: 'right', view, expect: [{ id: 'a' }] },
      { title: 'wrong', view, expect: [{ id: 'b' }] },
      { title: 'an error', view: { ...view, select: [{ column: [{ name: 'id', path: '1 +' }] }] }, expectError: true },
    ],
  }

  test('runs cases of the official form and writes the official report', async () => {
    const folder = await folderOf({ 'own.json': JSON.stringify(suite) })
    const report = join(folder, 'test_report.txt')
    const { code, stdout } = await stoker('views', 'test', folder, '--report', report)
    expect(code).toBe(3)
    expect(stdout).toMatch(/^own\.json: wrong: \{"id":"a"\} instead of \{"id":"b"\}\n2 of 3 cases pass\n$/)
    expect(json(await readFile(report, 'utf8'))).toEqual({
      'own.json': {
        tests: [
          { name: 'right', result: { passed: true } },
          { name: 'wrong', result: { passed: false, reason: '{"id":"a"} instead of {"id":"b"}' } },
          { name: 'an error', result: { passed: true } },
        ],
      },
    })
  })

  test('a folder without such files ends with 2', async () => {
    expect(await stoker('views', 'test', await folderOf({ 'a.json': '{}' }))).toMatchObject({ code: 2 })
  })
})

test('every subcommand explains itself with examples', async () => {
  const names = ['list', 'check', 'compile', 'run', 'docs', 'generate', 'test']
  const helps = await Promise.all(names.map((name) => stoker('views', name, '--help')))
  helps.forEach(({ code, stdout }, place) => {
    expect({ name: names[place], code }).toEqual({ name: names[place], code: 0 })
    expect(stdout).toContain(`Examples:\n  stoker views ${names[place]}`)
  })
})
