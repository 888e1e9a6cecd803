import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { startDemoServer, type DemoServer } from '../../src/demo/server.ts'
import { Scenario } from './harness.ts'
import { WorkerProcess } from './worker-process.ts'

const TIMEOUT_MS = 120_000
const EACH_SECOND = "    schedule: {cron: '* * * * * *'}\n"

let scenario: Scenario
beforeEach(async () => {
  scenario = await Scenario.start({ patients: 3, views: ['patient', 'patient_name', 'condition'] })
})
afterEach(() => scenario.stop())

/** The source of the scenario's server, and others beside it, each with its lines. */
async function configure(demo: string, others = ''): Promise<void> {
  const rest = 'worker: {jitterSeconds: 0}\nhttp: {listen: none}\n'
  await scenario.configure(`    level: system\n    types: [Patient, Condition]\n${demo}${others}${rest}`)
}

async function otherServer(options: Parameters<typeof startDemoServer>[0]): Promise<DemoServer> {
  const server = await startDemoServer({ patients: 3, seed: 2, ...options })
  onTestFinished(() => server.stop())
  return server
}

const source = (name: string, { baseUrl }: DemoServer, more: string) =>
  `  - name: ${name}\n    baseUrl: ${baseUrl}\n    level: system\n    auth: {kind: none}\n    types: [Patient]\n${more}`

const patients = async () =>
  await scenario.read('SELECT _source AS source, count(*)::INTEGER AS count FROM patient GROUP BY 1 ORDER BY 1')

describe('the worker', () => {
  test(
    'runs sources by their schedules, and one that fails holds up no other',
    async () => {
      const bad = await otherServer({ behaviour: { levels: [] } })
      const good = await otherServer({ behaviour: { pollsBeforeDone: 0 } })
      await configure(EACH_SECOND, source('bad', bad, EACH_SECOND) + source('good', good, EACH_SECOND))
      const worker = new WorkerProcess(scenario)
      for (const name of ['demo', 'good']) await worker.line('run published', { source: name }, 1)
      const failed = await worker.line('source failed: it is tried again', { source: 'bad' })
      expect(failed).toMatchObject({ failures: 1, level: 50, retryable: false })
      await scenario.server.change({ percent: 50, seed: 1 })
      const { length } = worker.lines.filter(({ msg, source: of }) => msg === 'run published' && of === 'demo')
      await worker.line('run published', { source: 'demo' }, length + 1)
      expect(await worker.stop()).toBe(143)
      expect(existsSync(join(scenario.lake, 'worker.json'))).toBe(false)
      expect(await patients()).toEqual([
        { source: 'demo', count: scenario.server.store.counts().Patient },
        { source: 'good', count: good.store.counts().Patient },
      ])
      const { stderr, stdout } = await worker.ended
      expect(stdout).toBe('')
      for (const line of stderr.trim().split('\n'))
        expect(JSON.parse(line)).toMatchObject({ msg: expect.any(String) as string })
      const runs = worker.lines.filter(({ msg }) => ['run started', 'run committed', 'run published'].includes(msg))
      expect(runs.every((line) => typeof line.run === 'number' && typeof line.source === 'string')).toBe(true)
    },
    TIMEOUT_MS,
  )

  test(
    'stopped in the middle of a run ends with 143, and the next start goes on with the same export',
    async () => {
      await configure(EACH_SECOND)
      scenario.server.behaviour = { ...scenario.server.behaviour, neverDone: true }
      const first = new WorkerProcess(scenario)
      const { run } = await first.line('export asked for')
      expect(await first.stop()).toBe(143)
      expect(first.lines.filter(({ level }) => level >= 40)).toEqual([])
      scenario.server.behaviour = { ...scenario.server.behaviour, neverDone: false }
      const second = new WorkerProcess(scenario)
      expect(await second.line('run goes on')).toMatchObject({ run, resumed: true })
      await second.line('run published', { run })
      expect(scenario.server.requests.kickOffs).toBeGreaterThanOrEqual(1)
      expect(second.lines.filter(({ msg, run: of }) => msg === 'export asked for' && of === run)).toEqual([])
      second.signal('SIGINT')
      expect((await second.ended).code).toBe(130)
    },
    TIMEOUT_MS,
  )

  test(
    'killed in the middle of a run goes on with it, also where the source has no schedule',
    async () => {
      await configure(EACH_SECOND)
      scenario.server.behaviour = { ...scenario.server.behaviour, neverDone: true }
      const first = new WorkerProcess(scenario)
      const { run } = await first.line('export asked for')
      first.signal('SIGKILL')
      await first.ended
      scenario.server.behaviour = { ...scenario.server.behaviour, neverDone: false }
      await configure('')
      const second = new WorkerProcess(scenario)
      await second.line('run published', { run })
      expect(await second.stop()).toBe(143)
      expect(scenario.server.requests.kickOffs).toBe(1)
    },
    TIMEOUT_MS,
  )

  test(
    'reads its configuration again on SIGHUP: a good one is taken, a bad one refused whole',
    async () => {
      await configure('')
      const worker = new WorkerProcess(scenario)
      expect(
        await worker.line(
          'no source has a schedule, and nothing else can ask for runs: give a source a schedule (cron)',
        ),
      ).toMatchObject({ level: 40 })
      await worker.line('source served')
      await configure(EACH_SECOND)
      worker.signal('SIGHUP')
      expect(await worker.line('configuration read again')).toMatchObject({ changed: ['source demo changed'] })
      await worker.line('run published')
      await writeFile(scenario.config, 'lake: elsewhere\nsources: nonsense\n')
      worker.signal('SIGHUP')
      const refused = 'configuration refused: the old one stays in force'
      expect(await worker.line(refused)).toMatchObject({ code: 'CONFIG_INVALID', level: 50 })
      await configure(EACH_SECOND)
      const fixed = (await readFile(scenario.config, 'utf8')).replace('memoryLimit: 512MiB', 'memoryLimit: 256MiB')
      await writeFile(scenario.config, fixed)
      worker.signal('SIGHUP')
      expect(await worker.line(refused, { code: 'CONFIG_FIXED' })).toMatchObject({
        error: 'memoryLimit can not change while the worker runs',
      })
      const view = join(scenario.views, 'patient_name.json')
      await writeFile(view, (await readFile(view, 'utf8')).replace('"family_name"', '"surname"'))
      await configure(EACH_SECOND)
      worker.signal('SIGHUP')
      await worker.line(refused, {
        error: 'the views of patient_name have changed, and tables are made anew at a start',
      })
      const { length } = worker.lines.filter(({ msg }) => msg === 'run published')
      await worker.line('run published', {}, length)
      expect(await worker.stop()).toBe(143)
    },
    TIMEOUT_MS,
  )

  test(
    'holds the lake, and who comes second is told who has it',
    async () => {
      await configure('')
      const worker = new WorkerProcess(scenario)
      await worker.line('source served')
      for (const words of [['worker'], ['sync']]) {
        const { code, stderr } = await scenario.run(...words)
        expect([code, stderr]).toEqual([
          5,
          expect.stringContaining(
            `stoker worker --config ${scenario.config} is writing to this lake: PID ${worker.child.pid}`,
          ),
        ])
      }
      expect(await worker.stop()).toBe(143)
      expect((await scenario.run('sync')).code).toBe(0)
    },
    TIMEOUT_MS,
  )
})
