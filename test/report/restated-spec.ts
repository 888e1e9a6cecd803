/**
 * What the OpenLineage specification (2-0-2 and its facets) asks of what we write, in our own words and stricter: nothing
 * may stand there that it does not name.
 */
import type { AnySchemaObject } from 'ajv/dist/2020.js'

const BASE = 'https://openlineage.io/spec'

const text = { type: 'string', minLength: 1 }
const whole = { type: 'integer', minimum: 0 }
const uri = { type: 'string', format: 'uri' }
const time = { type: 'string', format: 'date-time' }
const list = (items: object, minItems = 0) => ({ type: 'array', items, minItems })
const map = (values: object) => ({ type: 'object', additionalProperties: values })
const object = (required: Record<string, object>, optional: Record<string, object> = {}) => ({
  type: 'object',
  required: Object.keys(required),
  properties: { ...required, ...optional },
  additionalProperties: false,
})

const facet = (required: Record<string, object>, optional: Record<string, object> = {}) =>
  object({ _producer: uri, _schemaURL: uri, ...required }, optional)

const inputField = object({
  namespace: text,
  name: text,
  field: text,
  transformations: list(object({ type: { enum: ['DIRECT', 'INDIRECT'] }, subtype: text }), 1),
})

/** By version and name: the key it stands under, and its form. */
const FACETS: Record<string, readonly [key: string, form: object]> = {
  '1-2-0/ColumnLineageDatasetFacet': [
    'columnLineage',
    facet({ fields: map(object({ inputFields: list(inputField, 1) })) }, { dataset: list(inputField, 1) }),
  ],
  '1-0-0/DataQualityMetricsDatasetFacet': [
    'dataQualityMetrics',
    facet({ columnMetrics: object({}) }, { rowCount: whole, bytes: whole, fileCount: whole }),
  ],
  '1-0-1/DatasourceDatasetFacet': ['dataSource', facet({ name: text, uri })],
  '1-1-0/DocumentationDatasetFacet': ['documentation', facet({ description: text })],
  '1-1-0/DocumentationJobFacet': ['documentation', facet({ description: text })],
  '1-0-1/ErrorMessageRunFacet': ['errorMessage', facet({ message: text, programmingLanguage: text })],
  '1-0-0/InputStatisticsInputDatasetFacet': [
    'inputStatistics',
    facet({ rowCount: whole, size: whole, fileCount: whole }),
  ],
  '2-0-4/JobTypeJobFacet': ['jobType', facet({ processingType: { const: 'BATCH' }, integration: text, jobType: text })],
  '1-0-2/OutputStatisticsOutputDatasetFacet': [
    'outputStatistics',
    facet({ rowCount: whole, size: whole, fileCount: whole }),
  ],
  '1-1-1/ProcessingEngineRunFacet': [
    'processing_engine',
    facet({ name: text, version: text, openlineageAdapterVersion: text }),
  ],
  '1-2-0/SchemaDatasetFacet': [
    'schema',
    facet({ fields: list(object({ name: text }, { type: text, description: text, ordinal_position: whole }), 1) }),
  ],
  '1-0-0/TagsRunFacet': ['tags', facet({ tags: list(object({ key: text, value: text, source: text }), 1) })],
  '1-0-1/DatasetVersionDatasetFacet': ['version', facet({ datasetVersion: text })],
}

const named = { namespace: text, name: text }
const facets = map({ type: 'object' })

const RUN_EVENT = object({
  eventType: { enum: ['START', 'OTHER', 'COMPLETE', 'FAIL', 'ABORT'] },
  eventTime: time,
  producer: uri,
  schemaURL: uri,
  run: object({ runId: { type: 'string', format: 'uuid' }, facets }),
  job: object({ ...named, facets }),
  inputs: list(object({ ...named, facets }, { inputFacets: facets })),
  outputs: list(object({ ...named, facets }, { outputFacets: facets })),
})

export function restatedSchemas(): AnySchemaObject[] {
  const ofFacets = Object.entries(FACETS).map(([place, [key, form]]) => {
    const name = place.split('/')[1]!
    const ref = { $ref: `#/$defs/${name}` }
    return { $id: `${BASE}/facets/${place}.json`, $defs: { [name]: form }, ...object({ [key]: ref }) }
  })
  return [{ $id: `${BASE}/2-0-2/OpenLineage.json`, $defs: { RunEvent: RUN_EVENT } }, ...ofFacets]
}
