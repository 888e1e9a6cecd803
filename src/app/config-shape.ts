/** The configuration's shape, checked by `schemas/config.schema.json` and told in plain words. */
import { Ajv, type ErrorObject } from 'ajv'
import type { ConfigPath } from './config-document.ts'
import type { ConfigFindings } from './config-findings.ts'
import { nearestName } from '../core/nearest-name.ts'

/** Keys under which people write the secret itself; each is answered with the way to do it. */
const LITERAL_SECRETS: Readonly<Record<string, string>> = {
  clientSecret: 'clientSecret',
  client_secret: 'clientSecret',
  secret: 'clientSecret',
  password: 'clientSecret',
  key: 'key',
  privateKey: 'key',
  private_key: 'key',
  keyText: 'key',
  jwk: 'key',
  jwks: 'key',
  token: 'token',
  accessToken: 'token',
  access_token: 'token',
}

interface SchemaPart {
  readonly type?: string
  readonly description?: string
  readonly pattern?: string
  readonly required?: readonly string[]
  readonly examples?: readonly unknown[]
  readonly properties?: Readonly<Record<string, { readonly $ref?: string; readonly description?: string }>>
  readonly oneOf?: readonly { readonly properties: { readonly kind: { readonly const: string } } }[]
}

/** Adds one finding for each place where `value` does not have the schema's shape. */
export function checkShape(value: unknown, schema: Record<string, unknown>, findings: ConfigFindings): void {
  const validate = new Ajv({ allErrors: true, verbose: true, discriminator: true, allowUnionTypes: true }).compile(
    schema,
  )
  if (validate(value)) return
  // A misspelt key first: that the one it stands for is missing is the same mistake.
  const [unknown, others] = [[], []] as [ErrorObject[], ErrorObject[]]
  for (const error of validate.errors ?? []) (error.keyword === 'additionalProperties' ? unknown : others).push(error)
  for (const error of [...unknown, ...others]) report(error, value, schema, findings)
}

function report(error: ErrorObject, root: unknown, schema: Record<string, unknown>, findings: ConfigFindings): void {
  const path = pathOf(error.instancePath, root)
  const part = (error.parentSchema ?? {}) as SchemaPart
  const limit = String((error.params as { limit?: unknown }).limit)
  const misshapen = (problem: string, wayOut: string): void => findings.misshapen(path, problem, wayOut)
  switch (error.keyword) {
    case 'additionalProperties':
      return reportUnknownKey(path, String(error.params.additionalProperty), part, findings)
    case 'required': {
      const key = String(error.params.missingProperty)
      return findings.missing([...path, key], `Add it: ${describe(part.properties?.[key], schema)}`)
    }
    case 'discriminator': {
      if (error.params.error === 'tag' && error.params.tagValue === undefined) return
      const kinds = (part.oneOf ?? []).map((each) => each.properties.kind.const)
      const wayOut = guess(error.params.tagValue, kinds)
      return findings.misshapen([...path, 'kind'], `is none of ${kinds.join(', ')}`, wayOut)
    }
    case 'enum': {
      const allowed = (error.params as { allowedValues: string[] }).allowedValues
      return misshapen(`is none of ${allowed.join(', ')}`, guess(error.data, allowed))
    }
    case 'type':
      if (path.length === 0 && error.data == null) {
        return misshapen('the file is empty', `The keys here are ${Object.keys(part.properties ?? {}).join(', ')}.`)
      }
      return reportType(error.data, String(error.params.type), part, misshapen)
    case 'pattern':
      return misshapen('has characters that can not stand here, or too many', patternWords(path, part))
    case 'minLength':
    case 'minItems':
      return misshapen('is empty', `Fill it, or leave the key out. ${part.description ?? ''}`.trim())
    case 'minimum':
      return misshapen(`is less than ${limit}`, `Give ${limit} or more.`)
    case 'exclusiveMinimum':
      return misshapen(`is not more than ${limit}`, `Give more than ${limit}.`)
    case 'maximum':
      return misshapen(`is more than ${limit}`, `Give ${limit} or less.`)
    default:
      return misshapen(error.message ?? 'has the wrong shape', 'See schemas/config.schema.json.')
  }
}

function reportUnknownKey(path: ConfigPath, key: string, part: SchemaPart, findings: ConfigFindings): void {
  const known = Object.keys(part.properties ?? {})
  const secret = LITERAL_SECRETS[key]
  if (secret !== undefined && known.includes(`${secret}File`)) {
    const wayOut =
      `Put it in a file of its own and name that by ${secret}File, or name an environment variable by ${secret}Env; ` +
      'change the secret if others could read this file.'
    findings.meant([...path, `${secret}File`])
    return findings.mistake([...path, key], 'a secret must not stand in this file', wayOut, 'key')
  }
  const nearest = nearestName(key, known)
  const all = known.length === 0 ? (part.description ?? '') : `The keys here are ${known.join(', ')}.`
  if (nearest !== undefined) findings.meant([...path, nearest])
  const isRequired = nearest !== undefined && part.required?.includes(nearest)
  const wayOut = nearest === undefined ? all : `Did you mean '${nearest}'${isRequired ? ' (required)' : ''}?`
  findings.mistake([...path, key], 'there is no such key', wayOut, 'key')
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a block of keys',
  null: 'empty',
}

/** True and false in YAML 1.1, texts in YAML 1.2. */
const FLAG_WORDS: Readonly<Record<string, boolean>> = { yes: true, on: true, y: true, no: false, off: false, n: false }

function reportType(
  data: unknown,
  wanted: string,
  part: SchemaPart,
  misshapen: (problem: string, wayOut: string) => void,
): void {
  const found = data === null ? 'null' : Array.isArray(data) ? 'array' : typeof data
  const words = wanted.split(',').map((each) => TYPE_WORDS[each] ?? each)
  const problem = `must be ${words.join(' or ')}, and is ${TYPE_WORDS[found] ?? found}`
  if (wanted === 'string' && (found === 'number' || found === 'boolean')) {
    const examples = part.examples?.map(String) ?? []
    return misshapen(problem, examples.length === 0 ? 'Put it in quotes.' : `Write it like ${examples.join(' or ')}.`)
  }
  const flag = wanted === 'boolean' && typeof data === 'string' ? FLAG_WORDS[data.toLowerCase()] : undefined
  if (flag !== undefined) return misshapen(problem, `Write ${flag}.`)
  if (wanted === 'array' && found === 'string') return misshapen(problem, 'Put it in brackets: [this].')
  misshapen(found === 'null' ? 'has no value' : problem, part.description ?? 'See schemas/config.schema.json.')
}

function patternWords(path: ConfigPath, part: SchemaPart): string {
  if (String(path.at(-1)).endsWith('Env')) return 'Give the name of an environment variable, not its value.'
  if (path.at(-1) === 'group') return 'Give the bare id: 123, not Group/123.'
  return part.description ?? `It must match ${part.pattern ?? ''}.`
}

function guess(value: unknown, allowed: readonly string[]): string {
  const nearest = typeof value === 'string' ? nearestName(value, allowed) : undefined
  return nearest === undefined ? 'Choose one of them.' : `Did you mean '${nearest}'?`
}

function describe(part: { $ref?: string; description?: string } | undefined, schema: Record<string, unknown>): string {
  if (part?.description !== undefined) return part.description
  const name = part?.$ref?.split('/').at(-1) ?? ''
  const definitions = schema.definitions as Readonly<Record<string, { description?: string }>> | undefined
  return definitions?.[name]?.description ?? 'see schemas/config.schema.json.'
}

/** A JSON pointer as a path; which steps are list places depends on the value. */
function pathOf(pointer: string, root: unknown): ConfigPath {
  const path: (string | number)[] = []
  let value: unknown = root
  for (const raw of pointer.split('/').slice(1)) {
    const step = raw.replaceAll('~1', '/').replaceAll('~0', '~')
    path.push(Array.isArray(value) ? Number(step) : step)
    value = (value as Readonly<Record<string, unknown>>)[step]
  }
  return path
}
