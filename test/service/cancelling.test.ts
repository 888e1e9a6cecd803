import { expect, onTestFinished, test, vi } from 'vitest'
import { startDemoServer } from '../../src/demo/server.ts'
import { OpenService, WAIT_MS } from './open-service.ts'

test('a run that waits for its server is ended there and here, and the next begins anew', async () => {
  const server = await startDemoServer({ patients: 3, behaviour: { pollsBeforeDone: 0, neverDone: true } })
  onTestFinished(() => server.stop())
  const made = await OpenService.start(
    `sources:\n  - {name: a, baseUrl: '${server.baseUrl}', level: system, auth: {kind: none}, types: [Patient]}`,
  )
  const { service } = made
  service.trigger('a', { full: false })
  await vi.waitFor(() => expect(made.state('a')?.progress?.step).toBe('waiting'), WAIT_MS)
  const answers = await Promise.all([service.cancel('a'), service.cancel('a')])
  expect(answers).toEqual([{ run: 1 }, { run: 1 }])
  expect(server.requests.cancels).toBe(1)
  expect(made.state('a')).toMatchObject({ activity: 'idle', failures: 0, error: undefined, progress: undefined })
  expect(await made.open.context.ledger.rows('SELECT run, state, error_code FROM stoker.run')).toEqual([
    { run: 1, state: 'failed', error_code: 'CANCELLED' },
  ])
  expect(await service.cancel('a')).toEqual({ run: undefined })

  server.behaviour = { ...server.behaviour, neverDone: false }
  expect(service.trigger('a', { full: false })).toBe('queued')
  await vi.waitFor(
    () => expect(made.events).toContainEqual({ kind: 'published', source: 'a', run: 2, snapshot: 1 }),
    WAIT_MS,
  )
}, 120_000)

test('a run that has committed, and was stopped before it could publish, is not cancelled but taken to its end', async () => {
  const server = await startDemoServer({ patients: 3, behaviour: { pollsBeforeDone: 0 } })
  onTestFinished(() => server.stop())
  const made = await OpenService.start(
    `sources:\n  - {name: a, baseUrl: '${server.baseUrl}', level: system, auth: {kind: none}, types: [Patient]}`,
  )
  const { service } = made
  // Told of the commit, an operator cancels before the next step.
  let cancelled: Promise<unknown> | undefined
  service.subscribe((event) => {
    if (event.kind === 'run' && event.event.kind === 'committed')
      cancelled = service.cancel('a').catch((error: unknown) => error)
  })
  service.trigger('a', { full: false })
  await vi.waitFor(() => expect(made.events.some(({ kind }) => kind === 'published')).toBe(true), WAIT_MS)
  expect(await cancelled).toMatchObject({ code: 'CANCEL_COMMITTED' })
  await vi.waitFor(() => expect(made.state('a')?.activity).toBe('idle'), WAIT_MS)
  expect(await made.open.context.ledger.rows('SELECT run, state FROM stoker.run')).toEqual([{ run: 1, state: 'done' }])
}, 120_000)
