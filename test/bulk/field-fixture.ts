/** A demo server like one of the field, and a client with the profile that comes for it, on one clock. */
import { onTestFinished } from 'vitest'
import type { BulkClientOptions } from '../../src/bulk/client.ts'
import type { ServerProfile } from '../../src/bulk/server/profile.ts'
import type { DemoBehaviour } from '../../src/demo/behaviour.ts'
import { DEMO_SERVERS, type DemoServerName } from '../../src/demo/demo-servers.ts'
import { startDemoServer, type DemoServer, type DemoServerOptions } from '../../src/demo/server.ts'
import { loadText } from '../app/config-folder.ts'
import { clientFor, type ClientFixture } from './client-fixture.ts'
import { FastClock } from './fast-clock.ts'

export interface FieldFixture extends ClientFixture {
  readonly server: DemoServer
  readonly profile: ServerProfile
  /** HTTP statuses of all answers, oldest first. */
  readonly statuses: number[]
  readonly behave: (behaviour: Partial<DemoBehaviour>) => void
}

/** One that comes with Stoker. */
export async function shippedProfile(name: string): Promise<ServerProfile> {
  const levels = 'level: group\n    group: g'
  const yaml = `lake: lake\nsources:\n  - name: one\n    profile: ${name}\n    baseUrl: https://h/\n    ${levels}\n    auth: {kind: none}\n`
  return (await loadText(yaml)).sources[0]!.profile
}

/** The server's limit of calls is off, unless told otherwise. */
export async function fieldServer(
  name: DemoServerName,
  behaviour: Partial<DemoBehaviour> = {},
  options: Partial<BulkClientOptions> = {},
  auth: DemoServerOptions['auth'] = 'none',
): Promise<FieldFixture> {
  const clock = new FastClock()
  const server = await startDemoServer({
    patients: 2,
    clock,
    auth,
    behaviour: { ...DEMO_SERVERS[name], callsPerMinute: 0, ...behaviour },
  })
  onTestFinished(() => server.stop())
  const profile = await shippedProfile(name)
  const statuses: number[] = []
  const trace = { write: (line: string) => statuses.push((JSON.parse(line) as { status: number }).status) }
  const fixture = clientFor(new URL(`${server.baseUrl}/`), { profile, trace, ...options }, clock)
  const behave = (more: Partial<DemoBehaviour>) => void (server.behaviour = { ...server.behaviour, ...more })
  return { server, profile, statuses, behave, ...fixture }
}
