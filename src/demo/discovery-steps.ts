/** What a client reads before it exports: the CapabilityStatement and SMART's well-known document. */
import type { DemoBehaviour } from './behaviour.ts'
import { ASSERTION_ALGORITHMS } from './token/client-assertion.ts'
import { authenticationMethods } from './token/client-authentication.ts'
import { Refusal } from './refusal.ts'
import type { Step } from './steps.ts'

const BULK = 'http://hl7.org/fhir/uv/bulkdata'
const OAUTH_URIS = 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris'

export const metadataStep: Step = ({ baseUrl, tokenUrl, tokens, store, startedAt, requests, behaviour }, exchange) => {
  requests.discoveries += 1
  const operation = (name: string) => ({ name: 'export', definition: `${BULK}/OperationDefinition/${name}` })
  const offered = (level: DemoBehaviour['levels'][number], name: string) =>
    behaviour.levels.includes(level) ? [operation(name)] : []
  const operations: Readonly<Record<string, object[]>> = {
    Patient: offered('patient', 'patient-export'),
    Group: offered('group', 'group-export'),
  }
  const types = [...new Set([...store.types(), ...Object.keys(operations)])].sort()
  exchange.replyFhir(200, {
    resourceType: 'CapabilityStatement',
    status: 'active',
    date: startedAt.toISOString(),
    kind: 'instance',
    fhirVersion: '4.0.1',
    format: ['json', 'application/fhir+json'],
    instantiates: [`${BULK}/CapabilityStatement/bulk-data`],
    implementation: { description: 'Stoker demo server with synthetic patients', url: baseUrl },
    rest: [
      {
        mode: 'server',
        ...(tokens && {
          security: {
            extension: [{ url: OAUTH_URIS, extension: [{ url: 'token', valueUri: tokenUrl }] }],
            service: [
              {
                coding: [
                  { system: 'http://terminology.hl7.org/CodeSystem/restful-security-service', code: 'SMART-on-FHIR' },
                ],
              },
            ],
          },
        }),
        resource: types.map((type) => ({
          type,
          ...(type === 'Group' && { interaction: [{ code: 'read' }] }),
          ...(operations[type]?.length && { operation: operations[type] }),
        })),
        operation: offered('system', 'export'),
      },
    ],
  })
}

export const smartConfigurationStep: Step = ({ tokenUrl, tokens, requests }, exchange) => {
  requests.discoveries += 1
  if (tokens === undefined) throw new Refusal(404, 'not-found', 'This server needs no authorization.')
  exchange.reply(200, {
    token_endpoint: tokenUrl,
    grant_types_supported: ['client_credentials'],
    token_endpoint_auth_methods_supported: authenticationMethods(tokens.client),
    ...(tokens.client.jwks && { token_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS }),
    scopes_supported: ['system/*.rs', 'system/*.read'],
    capabilities: [
      ...(tokens.client.jwks ? ['client-confidential-asymmetric'] : []),
      ...(tokens.client.clientSecret === undefined ? [] : ['client-confidential-symmetric']),
      'permission-v1',
      'permission-v2',
    ],
  })
}
