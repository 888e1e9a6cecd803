import { describe, expect, test } from 'vitest'
import type { Task } from '../../src/core/task.ts'
import { silentLog } from '../../src/core/log.ts'
import { Pulse } from '../../src/service/heartbeat.ts'
import { Repeating } from '../../src/service/repeating.ts'
import { runTasks } from '../../src/service/task-list.ts'
import { HandClock } from './hand-clock.ts'

describe('a repeating task', () => {
  test('works, pauses for as long as it says, and works again', async () => {
    const clock = new HandClock()
    let count = 0
    const task = new Repeating('each', clock, async () => (count += 1) * 1000)
    const running = task.run()
    await clock.pass(999)
    expect(count).toBe(1)
    await clock.pass(1)
    expect(count).toBe(2)
    await clock.pass(1999)
    expect(count).toBe(2)
    await task.stop()
    await running
  })

  test('is woken from its pause, and from the step before it', async () => {
    const clock = new HandClock()
    let count = 0
    const task = new Repeating('each', clock, async () => {
      count += 1
      if (count === 1) task.wake()
      return 1e9
    })
    const running = task.run()
    await clock.settle()
    expect(count).toBe(2)
    task.wake()
    await clock.settle()
    expect(count).toBe(3)
    await task.stop()
    await running
  })

  test('can be stopped before it runs, and again', async () => {
    const task = new Repeating('each', new HandClock(), async () => {
      throw new Error('it ran')
    })
    await task.stop()
    await task.run()
    await task.stop()
  })

  test('tells its error where it runs, and not where it is stopped', async () => {
    const task = new Repeating('each', new HandClock(), async () => {
      throw new Error('broken')
    })
    await expect(task.run()).rejects.toThrow('broken')
    await task.stop()
  })
})

describe('a list of tasks', () => {
  const steps: string[] = []
  function task(id: string, fails = false): Task {
    let end: () => void = () => undefined
    const ended = new Promise<void>((resolve) => (end = resolve))
    return {
      id,
      async run() {
        steps.push(`run ${id}`)
        if (fails) throw new Error(id)
        await ended
        steps.push(`ended ${id}`)
      },
      async stop() {
        steps.push(`stop ${id}`)
        end()
      },
    }
  }

  test('is begun together, and stopped in its order', async () => {
    steps.length = 0
    const asked = new AbortController()
    const running = runTasks([task('a'), task('b')], asked.signal)
    asked.abort()
    await running
    expect(steps).toEqual(['run a', 'run b', 'stop a', 'ended a', 'stop b', 'ended b'])
  })

  test('ends as a whole with the first that fails', async () => {
    steps.length = 0
    await expect(runTasks([task('a'), task('b', true)], new AbortController().signal)).rejects.toThrow('b')
    expect(steps).toEqual(['run a', 'run b', 'stop a', 'ended a', 'stop b'])
  })

  test('that is asked to stop before it begins ends at once', async () => {
    await runTasks([task('a')], AbortSignal.abort())
  })
})

describe('the heartbeat', () => {
  test('beats every ten seconds with memory and disk, and warns once of each want', async () => {
    const clock = new HandClock()
    const warned: string[] = []
    const beats: unknown[] = []
    let [rss, room] = [100, 5]
    const pulse = new Pulse({
      clock,
      log: { ...silentLog, warn: (_facts, message) => void warned.push(message) },
      path: '/',
      disk: () => ({ room: async () => room }),
      machineBytes: 1000,
      onBeat: (beat) => beats.push(beat),
      rss: () => rss,
      freeBytes: async () => 7,
    })
    expect(pulse.heartbeat).toMatchObject({ hasRoom: true })
    const running = pulse.run()
    await clock.pass(10_000)
    expect(beats).toEqual([
      { at: new Date('2026-11-21T10:00:00Z'), rss: 100, diskFree: 7, hasRoom: true },
      { at: new Date('2026-11-21T10:00:10Z'), rss: 100, diskFree: 7, hasRoom: true },
    ])
    ;[rss, room] = [950, 0]
    await clock.pass(30_000)
    expect(pulse.heartbeat).toMatchObject({ rss: 950, hasRoom: false })
    expect(warned).toEqual([
      expect.stringMatching(/^no room on the disk/),
      expect.stringMatching(/^memory is nearly used up/),
    ])
    await pulse.stop()
    await running
  })

  test('goes on where the disk does not answer', async () => {
    const options = { clock: new HandClock(), log: silentLog, path: '/', machineBytes: 1, onBeat: () => undefined }
    const pulse = new Pulse({
      ...options,
      disk: () => ({ room: async () => 0 }),
      freeBytes: async () => {
        throw new Error('gone')
      },
    })
    await pulse.beat()
    expect(pulse.heartbeat.hasRoom).toBe(true)
  })
})
