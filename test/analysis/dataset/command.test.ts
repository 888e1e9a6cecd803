/** `stoker dataset`, as a user types it. */
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { spawn } from 'node:child_process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { MAIN, stokerIn, type Ended } from '../../cli/command.ts'
import { ended } from '../../scenario/harness.ts'
import { DatasetLake } from './dataset-lake.ts'
import { definition } from './definitions.ts'

let lake: DatasetLake
beforeAll(async () => {
  lake = await DatasetLake.make(20)
  await lake.write('emergency.yaml', definition())
})
afterAll(() => lake.close())

const stoker = (...words: string[]): Promise<Ended> => stokerIn(lake.folder, 'dataset', ...words)

test('builds in the words of people and of programs, and says how far it is', async () => {
  const built = await stoker('build', 'emergency.yaml', '--to', 'out/one')
  expect([built.code, built.stderr]).toEqual([0, expect.stringContaining('emergency: feature 2 of 2: visits\n')])
  expect(built.stdout).toMatch(/^split +rows +patients +again .* parquet +arrow\n/)
  expect(built.stdout).toContain("keys are the lake's own, dates are true")
  expect(built.stdout).toContain(`card      ${join(lake.folder, 'out/one/card.md')}`)
  const json = await stoker('build', 'emergency.yaml', '--to', 'out/two', '--snapshot', '1', '--json')
  const { folder, ...card } = JSON.parse(json.stdout) as { folder: string }
  expect(folder).toBe(join(lake.folder, 'out/two'))
  expect(card).toEqual(JSON.parse(await readFile(join(lake.folder, 'out/one/card.json'), 'utf8')))
  expect(await lake.bytes('out/two')).toEqual(await lake.bytes('out/one'))
  expect(await readdir(join(lake.folder, 'out'))).toEqual(['one', 'two'])
})

test('refuses with exit code 2, the place and the way out', async () => {
  await lake.write(
    'wrong.yaml',
    definition({ label: 'SELECT patient_key, index_date, index_date AS at, 1 AS value FROM cohort' }),
  )
  for (const [args, words] of [
    [['build', 'emergency.yaml'], "required option '--to <folder>' not specified"],
    [['build', 'none.yaml', '--to', 'x'], 'none.yaml: there is no such file'],
    [['build', 'wrong.yaml', '--to', 'x'], 'wrong.yaml:7:5 label.sql: '],
    [['build', 'emergency.yaml', '--to', 'views'], 'there is something at views already'],
    [['build', 'emergency.yaml', '--to', 'x', '--snapshot', '1', '--as-of', '1'], 'name different tables'],
    [['build', 'emergency.yaml', '--to', 'x', '--data-until', 'today'], 'It must be an instant'],
  ] as const) {
    const { code, stderr, stdout } = await stoker(...args)
    expect([args, code, stderr, stdout]).toEqual([args, 2, expect.stringContaining(words), ''])
  }
  expect((await readdir(lake.folder)).filter((name) => name.startsWith('x'))).toEqual([])
})

test('checks with a lake and without one', async () => {
  const checked = await stoker('check', 'emergency.yaml')
  expect([checked.code, checked.stdout]).toEqual([
    0,
    expect.stringMatching(/visits_count +BIGINT +feature +visits\n[^]*no row was read\n$/),
  ])
  const without = await stokerIn(join(lake.folder, 'views'), 'dataset', 'check', '../emergency.yaml')
  expect([without.code, without.stdout]).toEqual([0, expect.stringContaining('There is no lake to look into')])
  const json = await stoker('check', 'emergency.yaml', '--json')
  expect(JSON.parse(json.stdout)).toMatchObject({
    name: 'emergency',
    tables: ['encounter', 'patient'],
    from: { snapshot: 1 },
  })
})

test('stopped by a signal it leaves nothing, and ends with its code', async () => {
  const sql = `SELECT c.patient_key, to_timestamp(a.range + b.range) AS at FROM cohort AS c, range(1000000) AS a, range(1000000) AS b`
  await lake.write('endless.yaml', definition({ features: `\n  - name: endless\n    take: count\n    sql: ${sql}` }))
  const child = spawn(process.execPath, [MAIN, 'dataset', 'build', 'endless.yaml', '--to', 'endless'], {
    cwd: lake.folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  child.stderr.on('data', (text: Buffer) => text.includes('feature 1 of 1') && child.kill('SIGTERM'))
  const { code, stderr } = await ended(child)
  expect([code, stderr]).toEqual([143, expect.stringContaining('stopping: no folder is made')])
  expect((await readdir(lake.folder)).filter((name) => name.startsWith('endless'))).toEqual(['endless.yaml'])
})

test('as of a past run it goes on beside a worker, by what the run published, and gives the same', async () => {
  const alone = await stoker('build', 'emergency.yaml', '--to', 'out/alone', '--as-of', '1')
  expect([alone.code, alone.stderr]).toEqual([0, expect.stringContaining('making encounter as of 1')])
  // It serves no page: only the lock matters here.
  const hold = `import { DuckDBInstance } from '@duckdb/node-api'
    await DuckDBInstance.create(process.argv[1]); console.log('held'); setInterval(() => {}, 1000)`
  const holder = spawn(process.execPath, ['--input-type=module', '-e', hold, lake.lake.database], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    await once(holder.stdout, 'data')
    const beside = await stoker('build', 'emergency.yaml', '--to', 'out/beside', '--as-of', '1')
    expect([beside.code, beside.stderr]).toEqual([0, expect.not.stringContaining('making')])
    expect(await lake.bytes('out/beside')).toEqual(await lake.bytes('out/alone'))
    const { code, stderr } = await stoker('build', 'emergency.yaml', '--to', 'out/never', '--as-of', '99')
    expect([code, stderr]).toEqual([
      5,
      expect.stringContaining('snapshots of these runs are left, and can be named: 1;'),
    ])
  } finally {
    holder.kill('SIGKILL')
  }
})

test('the examples are copied with the way to their schema, and what is there stays', async () => {
  const { stdout } = await stoker('examples', 'mine/deep')
  expect(stdout).toContain('mine/deep/readmission-30d.yaml\n')
  const copy = join(lake.folder, 'mine/deep/readmission-30d.yaml')
  const text = await readFile(copy, 'utf8')
  const schema = /\$schema=(\S+)/.exec(text)![1]!
  expect(JSON.parse(await readFile(join(dirname(copy), schema), 'utf8'))).toMatchObject({ type: 'object' })
  await lake.write('mine/deep/readmission-30d.yaml', 'mine')
  expect((await stoker('examples', 'mine/deep')).stdout).toContain('was there, and stays as it is')
  expect(await readFile(copy, 'utf8')).toBe('mine')
})
