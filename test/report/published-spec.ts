/**
 * OpenLineage's own JSON Schemas, where they are to be had: a folder with OpenLineage.json and facets/ of the
 * specification's repository, named by STOKER_OPENLINEAGE_SPEC, or shared/openlineage beside the repository.
 */
import { Ajv2020, type AnySchemaObject } from 'ajv/dist/2020.js'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { restatedSchemas } from './restated-spec.ts'

const FOLDERS = [process.env.STOKER_OPENLINEAGE_SPEC, new URL('../../../shared/openlineage', import.meta.url).pathname]

/** Undefined: they are not here. */
export const PUBLISHED = FOLDERS.find((folder) => folder !== undefined && existsSync(join(folder, 'OpenLineage.json')))

export type Validate = (event: unknown) => string[]

/** Every mistake of an event and of each of its facets, by the schema that the facet names. */
export function publishedValidator(folder: string): Validate {
  const facets = readdirSync(join(folder, 'facets')).filter((name) => name.endsWith('.json'))
  const files = ['OpenLineage.json', ...facets.map((name) => join('facets', name))]
  return validator(files.map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as AnySchemaObject))
}

/** The same by what is restated here of the specification: for machines that have it not. */
export function restatedValidator(): Validate {
  return validator(restatedSchemas())
}

function validator(schemas: readonly AnySchemaObject[]): Validate {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  ajv.addFormat('uri', (text) => URL.canParse(text))
  ajv.addFormat('uuid', /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  ajv.addFormat('date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/)
  for (const schema of schemas) ajv.addSchema(schema)
  const check = (url: string, value: unknown): string[] => {
    const validate = ajv.getSchema(url)
    if (validate === undefined) return [`there is no schema ${url}`]
    return validate(value) === true
      ? []
      : (validate.errors ?? []).map((error) => `${url}${error.instancePath} ${error.message}`)
  }
  return (event) => {
    const { schemaURL } = event as { schemaURL: string }
    const inFacets = facetsOf(event).flatMap(({ key, facet }) => [
      ...check(facet._schemaURL, facet),
      // The document of a facet says under which key it belongs.
      ...check(facet._schemaURL.replace(/#.*$/, ''), { [key]: facet }),
    ])
    return [...check(schemaURL, event), ...inFacets]
  }
}

interface Facet {
  readonly _schemaURL: string
}

function facetsOf(value: unknown): { key: string; facet: Facet }[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) =>
    /^(facets|inputFacets|outputFacets)$/.test(key)
      ? Object.entries(inner as Record<string, Facet>).map(([name, facet]) => ({ key: name, facet }))
      : facetsOf(inner),
  )
}
