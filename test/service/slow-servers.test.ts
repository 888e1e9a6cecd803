import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import { startDemoServer } from '../../src/demo/server.ts'
import { OpenService, WAIT_MS } from './open-service.ts'

/** @returns its base URL */
async function served(answer: RequestListener): Promise<string> {
  const made = createServer(answer)
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    made.closeAllConnections()
    made.close()
  })
  return `http://127.0.0.1:${(made.address() as AddressInfo).port}/fhir`
}

/** An export at once; for its file the server wants to be asked in two hours. */
const busyWithFiles: RequestListener = (request, response) => {
  const at = (path: string) => `http://${request.headers.host}${path}`
  if (request.url!.includes('$export')) {
    response.writeHead(202, { 'Content-Location': at('/status') }).end()
  } else if (request.url === '/status') {
    const manifest = {
      transactionTime: '2026-11-21T10:00:00Z',
      request: at('/fhir/$export'),
      requiresAccessToken: false,
      output: [{ type: 'Patient', url: at('/file') }],
      error: [],
    }
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(manifest))
  } else {
    response.writeHead(503, { 'Retry-After': '7200' }).end()
  }
}

test('servers that work for hours, that ask for hours of patience with a file, or that say nothing hold up nobody else', async () => {
  const endless = await startDemoServer({ patients: 1, behaviour: { neverDone: true } })
  const good = await startDemoServer({ patients: 3, behaviour: { pollsBeforeDone: 0 } })
  onTestFinished(async () => {
    await endless.stop()
    await good.stop()
  })
  const urls = {
    endless: endless.baseUrl,
    busy: await served(busyWithFiles),
    silent: await served(() => undefined),
    good: good.baseUrl,
  }
  const sources = Object.entries(urls).map(
    ([name, url]) => `  - {name: ${name}, baseUrl: '${url}', level: system, auth: {kind: none}, types: [Patient]}`,
  )
  const made = await OpenService.start(`worker: {sourcesAtOnce: 1}\nsources:\n${sources.join('\n')}`)
  const slow = ['endless', 'busy', 'silent']
  for (const name of slow) made.service.trigger(name, { full: false })
  await vi.waitFor(() => {
    expect(made.state('endless')?.progress?.step).toBe('waiting')
    expect(made.state('busy')?.progress?.delayed).toBeDefined()
    expect(made.state('silent')?.activity).toBe('running')
  }, WAIT_MS)
  made.service.trigger('good', { full: false })
  const done = () =>
    made.events.flatMap((event) => (event.kind === 'run' && event.event.kind === 'done' ? [event.event.source] : []))
  await vi.waitFor(() => expect(done()).toEqual(['good']), WAIT_MS)
  expect(slow.map((name) => made.state(name)?.activity)).toEqual(['running', 'running', 'running'])
}, 120_000)
