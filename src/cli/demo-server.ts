/** `stoker demo-server`: the built-in Bulk Data server, for trying Stoker or any other client. */
import { Command, Option } from 'commander'
import { createPublicKey, type JsonWebKey } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { JWK } from 'jose'
import { shippedProfile } from '../app/config-profile.ts'
import { writeNewKey } from '../app/key-file.ts'
import { startLifecycle } from '../app/lifecycle.ts'
import { StokerError } from '../core/errors.ts'
import { demoKeyPair } from '../demo/demo-key-pair.ts'
import { DEMO_SERVERS, type DemoServerName } from '../demo/demo-servers.ts'
import { EVERYONE } from '../demo/kick-off/export-scope.ts'
import { startDemoServer, type DemoServer, type DemoServerOptions } from '../demo/server.ts'
import { wholeNumber } from './arguments.ts'
import { countText, plural } from '../core/figures.ts'
import type { Action } from './action.ts'

interface ServerCommandOptions {
  readonly port: number
  readonly data?: string
  readonly patients: number
  readonly seed: number
  readonly clientId: string
  readonly jwks?: string
  readonly newKey?: string
  readonly like?: DemoServerName
}

export function demoServerCommand(perform: (action: Action) => Promise<void>): Command {
  return new Command('demo-server')
    .description('a FHIR Bulk Data server on loopback, with synthetic patients or a folder of NDJSON files')
    .option('--port <n>', 'port; 0 for a free one', wholeNumber(0, 65_535), 8765)
    .option('--data <folder>', 'serve the NDJSON files of this folder instead of synthetic patients')
    .option('--patients <n>', 'synthetic patients', wholeNumber(1, 100_000), 50)
    .option('--seed <n>', 'the same seed gives the same patients', wholeNumber(0, 2 ** 31), 1)
    .option(
      '--new-key <file>',
      'ask for SMART Backend Services: write a new private key (JWK) to this file and register its public half',
    )
    .option('--jwks <file>', 'ask for SMART Backend Services: register the public keys of this file (JWKS, or a JWK)')
    .option('--client-id <id>', 'the client they are registered for', 'stoker-demo')
    .addOption(
      new Option('--like <name>', 'be as troublesome as this server of the field is').choices(
        Object.keys(DEMO_SERVERS),
      ),
    )
    .addHelpText(
      'after',
      `
Examples:
  stoker demo-server --patients 500                    open to everybody on this machine
  stoker demo-server --new-key key.jwk                 with SMART Backend Services
  stoker demo-server --like medplum                    with the ways of a Medplum server
  stoker demo-server --data ./ndjson                   Patient.ndjson, Observation.ndjson, …

While it runs, from this machine, at http://127.0.0.1:8765/control:
  curl -X POST   …/change?percent=1&seed=7&ids=true   creates, updates and deletes so many percent each
  curl -X PUT    …/resource -d '{"resourceType": "Patient", "id": "p1"}'    stores one, new or not
  curl -X DELETE …/resource/Patient/p1                deletes one
  curl -X POST   …/publish                            makes $bulk-publish give what it holds now
  curl           …/stats                               resources, requests so far, and every behaviour there is
  curl -X PUT    …/behaviour -d '{"like": "hapi", "neverDone": true}'       the others stay as they are
  curl -X PUT    …/behaviour -d '{"fileFailures": {"status": 503, "times": 2, "type": "Condition"}}'
What a behaviour takes is told where it is given something else.`,
    )
    .action((options: ServerCommandOptions) => perform(() => serve(options)))
}

async function serve(options: ServerCommandOptions): Promise<number> {
  const lifecycle = startLifecycle(() => undefined)
  const { port, data, patients, seed } = options
  const { auth, keyFile, newKey } = await registeredClient(options)
  const server = await startDemoServer({
    port,
    patients,
    seed,
    ...(options.like === undefined ? {} : { behaviour: DEMO_SERVERS[options.like] }),
    ...(auth === undefined ? {} : { auth }),
    ...(data === undefined ? {} : { data }),
  })
  try {
    // Not before the server has its port: a start that fails leaves no key behind, which the next one would not replace.
    if (options.newKey !== undefined && newKey !== undefined)
      await writeNewKey(options.newKey, newKey, `--jwks ${options.newKey} to go on with the key that is there`)
    const counts = Object.entries(server.store.counts())
      .sort()
      .map(([type, count]) => `${type} ${countText(count)}`)
    // For level: group.
    const groups = new Set([EVERYONE, ...[...server.store.versions(['Group'])].map(({ id }) => id).sort()])
    process.stdout.write(`FHIR base   ${server.baseUrl}\n`)
    process.stdout.write(
      auth === undefined
        ? 'auth        none\n'
        : `auth        SMART Backend Services, client ${auth.clientId}, token URL ${server.tokenUrl}\n`,
    )
    if (options.like !== undefined) process.stdout.write(`like        ${options.like}\n`)
    process.stdout.write(
      `holds       ${counts.join(', ')}\ngroups      ${[...groups].join(', ')}\nchange it   curl -X POST 'http://127.0.0.1:${server.port}/control/change?percent=1'\n`,
    )
    const place = await placeLines(server, options.like)
    process.stdout.write(`\n${configSnippet(server, place, auth?.clientId, keyFile)}\nCtrl-C ends it.\n`)
    await new Promise<void>((resolve) => lifecycle.signal.addEventListener('abort', () => resolve(), { once: true }))
    process.stderr.write(`stopped after ${plural(server.requests.kickOffs, 'export')}\n`)
    return 0
  } finally {
    await server.stop()
    lifecycle.dispose()
  }
}

interface RegisteredClient {
  readonly auth: Exclude<DemoServerOptions['auth'], 'none'>
  /** For the printed configuration, which may be put anywhere: the absolute path of the private key, where that is known. */
  readonly keyFile?: string
  /** JWK text of a new key. */
  readonly newKey?: string
}

async function registeredClient({ newKey, jwks, clientId }: ServerCommandOptions): Promise<RegisteredClient> {
  if (newKey !== undefined) {
    const keys = await demoKeyPair('ES384', clientId)
    return { auth: keys, keyFile: resolve(newKey), newKey: `${JSON.stringify(keys.privateJwk, null, 2)}\n` }
  }
  if (jwks === undefined) return { auth: undefined }
  const { isPrivate, keys } = await readKeys(jwks)
  return { auth: { clientId, jwks: { keys } }, ...(isPrivate ? { keyFile: resolve(jwks) } : {}) }
}

/** A JWKS, or a single JWK such as --new-key writes, of which the public half is registered. */
async function readKeys(path: string): Promise<{ readonly keys: JWK[]; readonly isPrivate: boolean }> {
  try {
    const value = JSON.parse(await readFile(path, 'utf8')) as JWK & { readonly keys?: unknown }
    if (Array.isArray(value.keys)) return { keys: value.keys as JWK[], isPrivate: false }
    const { kid, alg, d } = value
    const half = createPublicKey({ key: value as JsonWebKey, format: 'jwk' }).export({ format: 'jwk' }) as JWK
    return { keys: [{ ...half, ...(kid && { kid }), ...(alg && { alg }) }], isPrivate: d !== undefined }
  } catch {
    // said below, with the same way out
  }
  throw new StokerError('USAGE_JWKS', `${path} is no JSON Web Key, and no set of them`, {
    hint: 'give a file with {"keys": […]}, or one that --new-key has written',
  })
}

/** What the source says of the server: the profile of its kind, and the widest level that both of them have. */
async function placeLines({ behaviour }: DemoServer, like: DemoServerName | undefined): Promise<string[]> {
  if (like === undefined) return ['    level: system']
  const { kickOff } = await shippedProfile(like)
  const level = kickOff.levels.find((each) => behaviour.levels.includes(each)) ?? 'system'
  return [`    profile: ${like}`, `    level: ${level}`, ...(level === 'group' ? [`    group: ${EVERYONE}`] : [])]
}

function configSnippet(
  { baseUrl }: DemoServer,
  place: readonly string[],
  clientId: string | undefined,
  keyFile = 'the private key',
): string {
  const auth =
    clientId === undefined
      ? ['    auth: { kind: none }']
      : ['    auth:', '      kind: private-key-jwt', `      clientId: ${clientId}`, `      keyFile: ${keyFile}`]
  return [
    'A stoker.yaml for it:',
    'lake: lake',
    'sources:',
    '  - name: demo',
    `    baseUrl: ${baseUrl}`,
    ...place,
    ...auth,
    '',
  ].join('\n')
}
