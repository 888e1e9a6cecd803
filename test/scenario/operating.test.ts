/** What an operator is told of a lake: status, runs and snapshots, by whoever asks. */
import { DuckDBInstance } from '@duckdb/node-api'
import { spawn } from 'node:child_process'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ended, MAIN, Scenario, type Ended } from './harness.ts'

let scenario: Scenario

/** Run 1 can not have the Conditions, run 2 is cancelled, and then a table is made anew. */
beforeAll(async () => {
  const fileFailures = { status: 404, times: 9, type: 'Condition' }
  const extra = '    types: [Patient, Condition, Device]\nreaders: everyone\n'
  scenario = await Scenario.start({ patients: 3, behaviour: { fileFailures } }, extra)
  const first = await scenario.run('sync')
  expect(first.code, first.stderr).toBe(6)
  expect(first.stderr).toMatch(/note: file \d+ \(Condition\) could not be had: .*404.* \(file \d of 2\)/)
  scenario.server.behaviour = { ...scenario.server.behaviour, neverDone: true }
  const waiting = scenario.spawn('sync')
  const stopped = ended(waiting)
  await new Promise<void>((resolve) => {
    waiting.stderr!.on('data', (text: Buffer) => (String(text).includes(': asked for') ? resolve() : undefined))
  })
  waiting.kill('SIGTERM')
  expect((await stopped).code).toBe(143)
}, 120_000)
afterAll(() => scenario.stop())

const json = async (...words: string[]) =>
  JSON.parse((await scenario.run(...words, '--json')).stdout) as Record<string, Record<string, unknown>[]>

/** What an interruption, or the time, would have left in the database. */
async function changeInside(sql: string): Promise<void> {
  const instance = await DuckDBInstance.create(join(scenario.lake, 'warehouse.duckdb'))
  try {
    const connection = await instance.connect()
    await connection.run(sql)
    connection.closeSync()
  } finally {
    instance.closeSync()
  }
}

describe('stoker status', () => {
  test('has a type whose first load was held back, and those that have nothing in one line', async () => {
    const { stdout } = await scenario.run('status')
    expect(stdout).toMatch(/demo +Condition +0 +0 +none: the next run asks for everything\n/)
    expect(stdout).toMatch(/\ndemo has nothing of: Device\n/)
    expect(stdout).toMatch(/\ndemo run 1: Condition is held back: /)
  })

  test('says of an open run how it goes on', async () => {
    const { stdout } = await scenario.run('status')
    expect(stdout).toContain('run 2 is open, and goes on where it stopped: stoker sync demo\n')
  })

  test('tells an interrupted purge with its way out, and past ones, and names nobody', async () => {
    expect(await json('status')).toMatchObject({ purges: [] })
    await changeInside(
      `INSERT INTO stoker.purge VALUES (1, 'patient', 'demo', NULL, false, 'done', '2026-01-01 10:00:00Z', '2026-01-01 10:00:00Z', '{"rawLines": 7}'),
         (2, 'patient', 'demo', 'demo/Patient/whoever', false, 'asked', '2026-01-02 10:00:00Z', NULL, NULL)`,
    )
    const { stdout } = await scenario.run('status')
    expect(stdout).toContain('purge 2, of a patient of demo, asked for at 2026-01-02T10:00:00.000Z, is not finished')
    expect(stdout).toContain('what to do: stoker purge --finish')
    expect(stdout).toContain('1 purge so far, the last of a patient of demo at 2026-01-01')
    const { purges } = await json('status')
    expect(purges).toMatchObject([
      { purge: 2, state: 'asked', counts: null },
      { purge: 1, state: 'done', counts: { raw_lines: 7 } },
    ])
    expect(stdout + JSON.stringify(purges)).not.toContain('whoever')
    await changeInside('DELETE FROM stoker.purge')
  })
})

describe('stoker runs', () => {
  test('takes names of sources, and refuses one that nobody knows', async () => {
    for (const words of [['demo'], ['--source', 'demo']]) expect((await json('runs', ...words)).runs).toHaveLength(2)
    const unknown = await scenario.run('runs', 'dmeo')
    expect(unknown).toMatchObject({ code: 2, stdout: '' })
    expect(unknown.stderr).toContain('the lake has no source dmeo\n  what to do: did you mean demo? It has: demo\n')
  })

  test('calls a run that was cancelled so', async () => {
    expect((await scenario.run('cancel', 'demo')).stdout).toBe('demo: run 2 is cancelled; the next sync begins anew\n')
    const { stdout } = await scenario.run('runs', 'demo', '--failed')
    expect(stdout).toMatch(/\n +2 +demo +mixed +cancelled /)
    expect((await scenario.run('runs', 'show', '2')).stdout).toContain('run 2: demo, mixed, cancelled\n')
  })
})

test('stoker snapshots lists what was published, by what, and what is no longer there', async () => {
  expect((await scenario.run('rebuild', 'patient')).code).toBe(0)
  await changeInside(`UPDATE stoker.snapshot SET removed_at = '2026-01-03 00:00:00Z' WHERE snapshot = 1`)
  const { snapshots } = await json('snapshots')
  expect(snapshots).toMatchObject([
    { snapshot: 2, by: 'rebuild', run: null, tables_changed: 1, removed_at: null },
    { snapshot: 1, by: 'run', run: 1, removed_at: '2026-01-03T00:00:00.000Z' },
  ])
  expect(snapshots![0]!.tables).toBe(snapshots![1]!.tables_changed)
  const { stdout } = await scenario.run('snapshots', '-n', '1')
  expect(stdout.split('\n')).toHaveLength(4)
  expect(stdout).toMatch(/\n +2 +\S+ +rebuild +\d+ +1 +\S+ \S+ +there\n$/)
})

test('stoker compact takes names of sources, and refuses one that nobody knows', async () => {
  const told = await scenario.run('compact', 'demo', '--dry-run', '--json')
  expect(JSON.parse(told.stdout)).toMatchObject([{ source: 'demo', files_before: expect.any(Number) as number }])
  expect(await scenario.run('compact', 'dmeo', '--dry-run')).toMatchObject({ code: 2, stdout: '' })
})

test('a statement that would change something is refused by its name', async () => {
  const refused = await scenario.run('query', 'DELETE FROM patient')
  expect(refused).toMatchObject({ code: 2, stdout: '' })
  expect(refused.stderr).toContain('a query is one SELECT, not DELETE\n  what to do: a snapshot is only read.')
})

test('who may read the snapshots alone is told what they know, and that it is not all', async ({ skip }) => {
  if (process.getuid?.() !== 0) skip('only root can start a process of another user')
  await chmod(scenario.folder, 0o711)
  const nobody = (...words: string[]): Promise<Ended> =>
    ended(
      spawn(process.execPath, [MAIN, ...words, '--lake', scenario.lake], {
        ...{ uid: 65534, gid: 65534, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] as const },
      }),
    )
  for (const words of [['status'], ['runs'], ['runs', 'show', '1'], ['snapshots']]) {
    const told = await nobody(...words)
    expect(told, told.stderr).toMatchObject({ code: 0, stderr: '' })
    expect(told.stdout).toContain('This user may not read the database: what follows is as of the newest snapshot.\n')
  }
  const [patient] = await scenario.read('SELECT id FROM patient LIMIT 1')
  expect((await nobody('lineage', 'patient', String(patient!.id))).stdout).toContain(': 1 row in patient\n')
  const unknown = await nobody('lineage', 'patient', 'whoever')
  expect(unknown.code).toBe(3)
  expect(unknown.stderr).toContain('code: STORE_FORBIDDEN')
})
