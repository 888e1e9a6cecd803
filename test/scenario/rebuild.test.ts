import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Scenario } from './harness.ts'

const NAMES = ['patient', 'observation', 'observation_component', 'condition']

let scenario: Scenario
/** All tests have the lake of one run, and what the tests before made of it. */
beforeAll(async () => {
  scenario = await Scenario.start({ patients: 8, seed: 5, views: NAMES })
  await done('sync')
})
afterAll(() => scenario.stop())

async function done(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await scenario.run(...args)
  expect([code, stderr]).toEqual([0, expect.any(String)])
  return stdout
}

/** sha256 of every Parquet file of the tables in a folder, by its path. */
async function sums(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const table of NAMES) {
    for (const name of (await readdir(join(folder, table))).sort()) {
      const bytes = await readFile(join(folder, table, name))
      found[`${table}/${name}`] = createHash('sha256').update(bytes).digest('hex')
    }
  }
  return found
}

const snapshot = (number: number) => join(scenario.lake, 'snapshots', String(number).padStart(6, '0'))

async function editView(name: string, edit: (columns: { name: string; path: string }[]) => void): Promise<void> {
  const path = join(scenario.views, `${name}.json`)
  const view = JSON.parse(await readFile(path, 'utf8')) as { select: { column: { name: string; path: string }[] }[] }
  edit(view.select[0]!.column)
  await writeFile(path, JSON.stringify(view))
}

describe('stoker rebuild --as-of', () => {
  test('gives the tables of every past run, bit for bit what was published that day, whatever became of data and views since', async () => {
    await scenario.server.change({ percent: 20, seed: 1 })
    await done('sync')
    await scenario.server.change({ percent: 20, seed: 2 })
    await editView('patient', (columns) => columns.push({ name: 'added_later', path: 'gender' }))
    await done('sync')
    for (const run of [1, 2, 3]) {
      const said = JSON.parse(await done('rebuild', '--as-of', String(run), '--to', `run${run}`, '--json')) as {
        as_of: { run: number }
      }
      expect(said.as_of.run).toBe(run)
      expect(await sums(join(scenario.folder, `run${run}`))).toEqual(await sums(snapshot(run)))
    }
    await done('rebuild', '--as-of', '2', '--to', 'again', 'patient', 'condition')
    const [again, second] = [await readdir(join(scenario.folder, 'again')), await sums(snapshot(2))]
    expect(again.sort()).toEqual(['catalog.duckdb', 'condition', 'manifest.json', 'patient'])
    const patients = await readFile(join(scenario.folder, 'again', 'patient', '0.parquet'))
    expect(createHash('sha256').update(patients).digest('hex')).toBe(second['patient/0.parquet'])
    // through its catalog, and by the views of today
    await done('rebuild', '--as-of', '1', '--to', 'today', '--current-views')
    const catalog = join(scenario.folder, 'today', 'catalog.duckdb')
    const rows = await scenario.read('SELECT count(added_later)::INTEGER AS n, max(_run) AS run FROM patient', catalog)
    expect(rows).toEqual([{ n: 8, run: 1 }])
  })

  test('refuses what it can not do, with the way out, and leaves nothing', async () => {
    await mkdir(join(scenario.folder, 'there'))
    for (const [args, code, words] of [
      [['--as-of', '9', '--to', 'x'], 2, 'run 9 was never committed'],
      [['--as-of', '2020-01-01', '--to', 'x'], 2, 'nothing was committed by 2020-01-01'],
      [['--as-of', 'monday', '--to', 'x'], 2, 'neither a run'],
      [['--as-of', '1', '--to', 'there'], 2, 'there is something at there'],
      [['--as-of', '1'], 2, 'belong together'],
      [['--as-of', '1', '--to', 'x', 'patients'], 2, 'did you mean patient?'],
    ] as const) {
      const ended = await scenario.run('rebuild', ...args)
      expect([args, ended.code, ended.stderr]).toEqual([args, code, expect.stringContaining(words)])
    }
    expect(await readdir(scenario.folder)).not.toContain('x')
  })
})

describe('a changed view', () => {
  test('that gains a column is rebuilt without an export, and published', async () => {
    await editView('observation', (columns) => columns.push({ name: 'added_later', path: 'status' }))
    const requests = JSON.stringify(scenario.server.requests)
    const said = JSON.parse(await done('rebuild', '--json')) as { rebuilt: { table: string; gained: string[] }[] }
    expect(said.rebuilt).toMatchObject([{ table: 'observation', gained: ['added_later'] }])
    expect(JSON.stringify(scenario.server.requests)).toBe(requests)
    const rows = await scenario.read('SELECT count(*)::INTEGER AS n FROM observation WHERE added_later = status')
    expect(rows[0]!.n).toBeGreaterThan(100)
    expect(await done('rebuild')).toMatch(/every table is as its view has it; nothing to publish/)
  })

  test('that readers would miss something of is refused by sync and rebuild, until it is allowed', async () => {
    await editView('patient', (columns) =>
      columns.splice(
        columns.findIndex(({ name }) => name === 'gender'),
        1,
      ),
    )
    for (const command of ['sync', 'rebuild']) {
      const ended = await scenario.run(command)
      expect([ended.code, ended.stderr]).toEqual([2, expect.stringMatching(/patient loses gender[^]*--allow-breaking/)])
    }
    expect(await scenario.read('SELECT count(gender)::INTEGER AS n FROM patient')).toEqual([{ n: 8 }])
    expect(await done('rebuild', '--allow-breaking')).toMatch(/patient: made anew; loses gender/)
    await done('sync')
    const columns = await scenario.read('DESCRIBE patient')
    expect(columns.map((column) => column.column_name)).not.toContain('gender')
  })

  test('names that are no views are refused', async () => {
    const ended = await scenario.run('rebuild', 'observations')
    expect([ended.code, ended.stderr]).toEqual([2, expect.stringContaining('did you mean observation?')])
  })
})
