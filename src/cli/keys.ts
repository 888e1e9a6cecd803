/** `stoker keys new`: a key pair for SMART Backend Services. */
import { Command, Option } from 'commander'
import type { SigningAlgorithm } from '../bulk/auth/assertion.ts'
import { makeKey } from '../app/new-key.ts'
import type { Action } from './action.ts'

interface NewKeyCommandOptions {
  readonly out: string
  readonly algorithm: SigningAlgorithm
  readonly keyId?: string
  readonly force?: boolean
  readonly json?: true
}

export function keysCommand(perform: (action: Action) => Promise<void>): Command {
  return new Command('keys')
    .description('keys for signing in at servers')
    .addCommand(newCommand(perform))
    .addHelpText('after', '\nExamples:\n  stoker keys new --out keys/hospital.jwk')
}

function newCommand(perform: (action: Action) => Promise<void>): Command {
  return new Command('new')
    .description(
      'make a key pair: the private key goes to a file, the public JWKS to standard output, to be registered',
    )
    .requiredOption('--out <file>', 'where the private key goes (JWK, readable by you alone)')
    .addOption(
      new Option('--algorithm <name>', 'what it signs with; SMART servers know ES384 and RS384')
        .choices(['ES384', 'RS384', 'ES256', 'RS256'])
        .default('ES384'),
    )
    .option('--key-id <id>', 'kid of the key; its thumbprint when left out')
    .option('--force', 'replace a file that is there; its key is lost')
    .option('--json', 'nothing but the JWKS, no words')
    .addHelpText(
      'after',
      `
Examples:
  stoker keys new --out keys/hospital.jwk                          an ES384 key
  stoker keys new --out keys/epic.jwk --algorithm RS384            for servers that want RSA
  stoker keys new --out keys/hospital.jwk --json > public.json     the JWKS alone, to host or to send`,
    )
    .action((options: NewKeyCommandOptions) => perform(() => makeNew(options)))
}

async function makeNew({ out, algorithm, keyId, force = false, json }: NewKeyCommandOptions): Promise<number> {
  const key = await makeKey({ file: out, algorithm, keyId, force })
  process.stdout.write(`${JSON.stringify(key.jwks, null, 2)}\n`)
  if (json) return 0
  process.stderr.write(`
The private key is in ${key.file}: keep it there, and out of version control.
What to do next:
  1. Register the public JWKS above at the server: paste it, or publish it at an https URL and give that.
  2. Put what the server answers into the configuration:
       auth:
         kind: private-key-jwt
         clientId: the client id it gave
         keyFile: ${key.file}
  3. Try it: stoker check
`)
  return 0
}
