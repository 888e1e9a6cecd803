/** The API's description, held against what is really answered. */
import { readFileSync } from 'node:fs'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import type { Answer } from './http-fixture.ts'

interface Operation {
  readonly operationId: string
  readonly security?: readonly object[]
  readonly parameters?: readonly { readonly name: string; readonly in: string }[]
  readonly responses: Readonly<Record<string, Response>>
}

interface Response {
  readonly $ref?: string
  readonly content?: Readonly<Record<string, { readonly schema?: object }>>
}

export interface Description {
  readonly info: { readonly version: string }
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly responses: Readonly<Record<string, Response>> }
}

const FILE = new URL('../../schemas/api.openapi.json', import.meta.url)
export const description = JSON.parse(readFileSync(FILE, 'utf8')) as Description

const ajv = new Ajv2020({ strict: true, allErrors: true, strictRequired: false })
ajv.addFormat('date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
// Words of OpenAPI at its top that are none of JSON Schema.
ajv.addVocabulary(['openapi', 'info', 'tags', 'paths', 'components'])
ajv.addSchema({ $id: 'api', ...description })

/** `GET /api/runs/{run}`, of all that is described. */
export function describedOperations(): string[] {
  return Object.entries(description.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  )
}

/** What is wrong with an answer, by its description; nothing is. */
export function departures(operation: string, answer: Answer): string[] {
  const [method = '', path = ''] = operation.split(' ')
  const place = ['paths', path, method.toLowerCase(), 'responses', String(answer.status)]
  const described = description.paths[path]?.[method.toLowerCase()]?.responses[answer.status]
  if (described === undefined) return [`${operation} answers ${answer.status}, which is not described`]
  const name = described.$ref?.split('/').at(-1)
  const content = name === undefined ? described.content : description.components.responses[name]?.content
  if (content === undefined) return answer.text === '' ? [] : [`${operation} has a body that is not described`]
  const type = (answer.headers['content-type'] ?? '').split(';')[0]!
  if (content[type] === undefined) return [`${operation} answers ${type}, which is not described`]
  if (type !== 'application/json') return []
  const where = name === undefined ? place : ['components', 'responses', name]
  const validate = schemaAt([...where, 'content', type, 'schema'])
  return validate(answer.json)
    ? []
    : (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message} ${JSON.stringify(error.params)}`)
}

/** Of a schema by its place in the components. */
export function departuresFrom(schema: string, value: unknown): string[] {
  const validate = schemaAt(['components', 'schemas', schema])
  return validate(value) ? [] : (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`)
}

function schemaAt(place: readonly string[]): ValidateFunction {
  const pointer = place.map((step) => encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')
  return ajv.getSchema(`api#/${pointer}`)!
}
