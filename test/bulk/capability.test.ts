import { describe, expect, test } from 'vitest'
import {
  capabilitiesOf,
  capabilityWarnings,
  type AskedOfServer,
  type ServerCapabilities,
} from '../../src/bulk/server/capability.ts'
import type { Published } from '../../src/bulk/auth/discovery.ts'
import { scopeCovers } from '../../src/bulk/auth/scope.ts'
import { startDemoServer } from '../../src/demo/server.ts'
import { demoKeyPair } from '../../src/demo/demo-key-pair.ts'
import { clientFor } from './client-fixture.ts'
import { reply, startOddityServer } from './oddity-server.ts'

const BASE = new URL('https://fhir.example.org/r4/')
const NOTHING: Published = { kind: 'refused', status: 404, url: BASE }
const never = new AbortController().signal

function json(value: unknown): Published {
  return { kind: 'json', value, url: BASE, date: undefined }
}

const SUPPORTED = 'http://hl7.org/fhir/uv/bulkdata/Extension/operation-not-supported'

const STATEMENT = {
  resourceType: 'CapabilityStatement',
  fhirVersion: '4.0.1',
  software: { name: 'Some Server', version: '7.2' },
  rest: [
    {
      resource: [
        { type: 'Patient', interaction: [{ code: 'read' }] },
        {
          type: 'AllergyIntolerance',
          searchParam: [{ name: 'clinical-status', extension: [{ url: SUPPORTED }] }, { name: 'date' }],
        },
        { type: 'AuditEvent', extension: [{ url: SUPPORTED.replace('Extension', 'StructureDefinition') }] },
        { type: 'Group', interaction: [{ code: 'read' }], operation: [{ name: 'export', definition: 'x' }] },
      ],
    },
  ],
}

const SMART = {
  token_endpoint: 'https://auth.example.org/token',
  token_endpoint_auth_methods_supported: ['private_key_jwt'],
  token_endpoint_auth_signing_alg_values_supported: ['RS384', 'ES384'],
  scopes_supported: ['system/Patient.rs', 'openid'],
}

const ASKED: AskedOfServer = {
  level: { kind: 'group', id: 'g' },
  types: ['Patient'],
  typeFilters: [],
  authMethod: 'private_key_jwt',
  algorithm: 'ES384',
  scope: 'system/Patient.read',
}

const KNOWN = capabilitiesOf(json(STATEMENT), json(SMART), BASE)
const warningsFor = (asked: Partial<AskedOfServer>, known: ServerCapabilities = KNOWN) =>
  capabilityWarnings(known, { ...ASKED, ...asked })

test('what a server says is read from both documents', () => {
  expect(KNOWN).toEqual({
    software: 'Some Server 7.2',
    fhirVersion: '4.0.1',
    exports: ['group'],
    types: ['Patient', 'AllergyIntolerance', 'AuditEvent', 'Group'],
    notExported: ['AllergyIntolerance.clinical-status', 'AuditEvent'],
    readsGroups: true,
    tokenUrl: new URL('https://auth.example.org/token'),
    algorithms: ['RS384', 'ES384'],
    authMethods: ['private_key_jwt'],
    scopes: ['system/Patient.rs', 'openid'],
    notes: [],
  })
})

test('a server that can what is asked gives no warnings', () => {
  expect(warningsFor({})).toEqual([])
})

test.each<[string, Partial<AskedOfServer>, string]>([
  ['the level', { level: { kind: 'system' } }, 'the server lists exports at level group, not at level system'],
  [
    'a type',
    { types: ['Patient', 'Coverage'] },
    'the server does not list the types Coverage; of types it lists Patient',
  ],
  ['a type in exports', { types: ['AuditEvent'] }, 'the server says that AuditEvent can not be exported'],
  [
    'a search in filters',
    { typeFilters: ['AllergyIntolerance?clinical-status:not=a&date=ge2020'] },
    'the server says that AllergyIntolerance.clinical-status can not be used in typeFilters',
  ],
  [
    'the way to sign in',
    { authMethod: 'client_secret_post' },
    'the server lets clients sign in by private_key_jwt, not by client_secret_post',
  ],
  ['the algorithm', { algorithm: 'RS256' }, 'the server takes signatures by RS384, ES384, not by RS256'],
  ['a scope', { scope: 'openid system/*.read' }, 'the server does not list the scope system/*.read'],
])('a server that says it does not know %s is quoted', (_, asked, warning) => {
  expect(warningsFor(asked)).toEqual([warning])
})

test.each(['3.0.2', '5.0.0', '4.3.0'])('FHIR %s is not what the views are written for', (fhirVersion) => {
  expect(warningsFor({}, { ...KNOWN, fhirVersion })).toEqual([expect.stringContaining(`FHIR ${fhirVersion}`)])
})

test.each<[string, Published, Published]>([
  ['nothing', NOTHING, NOTHING],
  ['null', json(null), json(null)],
  [
    'odd shapes',
    json({ rest: [null, { resource: 7, operation: {} }], software: 'x' }),
    json({ scopes_supported: 'a' }),
  ],
  ['a web page', { kind: 'other', contentType: 'text/html', url: BASE, date: undefined }, NOTHING],
])('a server that says %s gives no warnings', (_, statement, smart) => {
  expect(warningsFor({ types: ['Coverage'], scope: 'system/*.cruds' }, capabilitiesOf(statement, smart, BASE))).toEqual(
    [],
  )
})

test('what could not be read is a note', () => {
  expect(capabilitiesOf(NOTHING, json({}), BASE).notes).toEqual(['the CapabilityStatement is refused (404)'])
})

describe('levels are known', () => {
  const levelsOf = (rest: object) => capabilitiesOf(json({ rest: [rest] }), NOTHING, BASE).exports

  test('by where the operation stands', () => {
    const operation = [{ name: 'export' }]
    expect(levelsOf({ operation, resource: [{ type: 'Patient', operation }] })).toEqual(['system', 'patient'])
  })

  test('by its definition, where all stand at the root', () => {
    const operation = ['export', 'patient-export', 'group-export'].map((name) => ({
      name: 'export',
      definition: `http://hl7.org/fhir/uv/bulkdata/OperationDefinition/${name}|2.0.0`,
    }))
    expect(levelsOf({ operation })).toEqual(['system', 'patient', 'group'])
  })

  test.each(['SystemExport', '-s-export', '$export'])('under the name %s too', (name) => {
    const operation = [{ name, definition: `https://patients.example.org/group/OperationDefinition/${name}` }]
    expect(levelsOf({ operation })).toEqual(['system'])
  })

  test('and another operation is none', () => {
    expect(levelsOf({ operation: [{ name: 'export-poll-status' }, { name: 7 }, null] })).toEqual([])
  })
})

test.each([
  [['system/*.read'], 'system/*.rs', true],
  [['system/*.rs'], 'system/Patient.read', true],
  [['system/*.cruds'], 'system/*.read', true],
  [['system/Patient.rs'], 'system/*.rs', false],
  [['system/*.r'], 'system/*.rs', false],
  [['user/*.rs'], 'system/*.rs', false],
  [['system/*.rs'], 'launch', false],
  [['api://x/.default'], 'api://x/.default', true],
])('of scopes, %j gives %s: %s', (offered, asked, expected) => {
  expect(scopeCovers(offered, asked)).toBe(expected)
})

test('the base path is kept in both addresses, over sockets', async () => {
  const server = await startOddityServer()
  server.on('GET /fhir/metadata', reply(200, {}, STATEMENT))
  const { client } = clientFor(server.baseUrl)
  const request = { level: { kind: 'system' }, types: [] } as const
  const asked = { request, auth: { kind: 'none' }, manifestUrl: undefined, tryExport: false } as const
  const lines: string[] = []
  for await (const { text } of client.check(asked, never)) lines.push(text)
  expect(lines).toContainEqual(expect.stringContaining('Some Server 7.2'))
  expect(server.asked.map(({ path }) => path).slice(0, 2)).toEqual([
    '/fhir/metadata',
    '/fhir/.well-known/smart-configuration',
  ])
})

test('the demo server says that it can all that it can', async () => {
  const server = await startDemoServer({ patients: 1, auth: await demoKeyPair() })
  try {
    const published = async (path: string) => json(await (await fetch(`${server.baseUrl}/${path}`)).json())
    const smart = await published('.well-known/smart-configuration')
    const known = capabilitiesOf(await published('metadata'), smart, new URL(`${server.baseUrl}/`))
    expect(known).toMatchObject({ exports: ['system', 'patient', 'group'], fhirVersion: '4.0.1', notes: [] })
    expect(known.readsGroups).toBe(true)
    expect(capabilityWarnings(known, { ...ASKED, scope: 'system/*.read' })).toEqual([])
  } finally {
    await server.stop()
  }
})
