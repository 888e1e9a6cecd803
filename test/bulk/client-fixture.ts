/** A client under test, with its clock and its log lines at hand. */
import { buffer } from 'node:stream/consumers'
import { inspect } from 'node:util'
import { expect, onTestFinished } from 'vitest'
import { BulkClient, type BulkClientOptions } from '../../src/bulk/client.ts'
import type { Kickoff } from '../../src/bulk/export/kick-off.ts'
import { wholeOf } from '../../src/bulk/export/manifest-pages.ts'
import type { Manifest } from '../../src/bulk/export/manifest.ts'
import type { WaitOptions } from '../../src/bulk/export/wait.ts'
import type { BulkAuth } from '../../src/bulk/auth/tokens.ts'
import { StokerError } from '../../src/core/errors.ts'
import type { Log } from '../../src/core/log.ts'
import { FastClock } from './fast-clock.ts'
import { reply, type OddityServer } from './oddity-server.ts'

export interface ClientFixture {
  readonly client: BulkClient
  readonly clock: FastClock
  /** Every log line, as text. */
  readonly logged: string[]
  readonly kickOff: () => Promise<Kickoff>
  /** Waits for the export at `path` of the server, for a day of its clock. */
  readonly wait: (path?: string) => Promise<Manifest>
  /** The whole body of the file at `path`; a file that wants the token, if not told otherwise. */
  readonly download: (path?: string, requiresAccessToken?: boolean) => Promise<Buffer>
}

const never = new AbortController().signal

export function clientFor(
  baseUrl: URL,
  options: Partial<BulkClientOptions> = {},
  clock = new FastClock(),
): ClientFixture {
  const logged: string[] = []
  const line = (facts: object, message: string) => logged.push(inspect([message, facts], { depth: 9 }))
  const log: Log = { trace: line, debug: line, info: line, warn: line, error: line }
  const client = new BulkClient({
    baseUrl,
    log,
    clock,
    auth: { kind: 'none' },
    allowHttp: false,
    tokenOrigins: [],
    userAgent: 'stoker-test',
    ...options,
  })
  onTestFinished(() => client.close())
  const at = (path: string) => new URL(path, baseUrl).href
  return {
    client,
    clock,
    logged,
    kickOff: () => client.kickOff({ level: { kind: 'system' }, types: ['Patient'] }, never),
    wait: (path = '/status') =>
      waitFor(client, at(path), {
        deadline: new Date(clock.now().getTime() + 24 * 3_600_000),
        onProgress: () => undefined,
        signal: never,
      }),
    download: (path = '/file', requiresAccessToken = true) =>
      client.fetchFile({ kind: 'output', url: at(path) }, { requiresAccessToken }, (body) => buffer(body), never),
  }
}

/** All pages as one. */
export async function waitFor(client: BulkClient, statusUrl: string, options: WaitOptions): Promise<Manifest> {
  const all: Manifest[] = []
  for await (const page of client.pages(statusUrl, options)) all.push(page)
  return wholeOf(all)!
}

/** Scripts the server's token endpoint, `token-1`, `token-2` and so on, and gives an auth for it. */
export function tokensOf(server: OddityServer, lifeSeconds = 300): BulkAuth {
  let given = 0
  server.on('POST /token', (asked, response) => {
    given += 1
    reply(200, {}, { access_token: `token-${given}`, token_type: 'bearer', expires_in: lifeSeconds })(asked, response)
  })
  const tokenUrl = new URL('/token', server.origin)
  return { kind: 'client-secret', clientId: 'stoker', secret: 'a-client-secret', method: 'post', tokenUrl }
}

/** The StokerError that a promise is expected to end with. */
export async function failureOf(promise: Promise<unknown>): Promise<StokerError> {
  const error: unknown = await promise.then(
    () => 'no error',
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(StokerError)
  return error as StokerError
}
