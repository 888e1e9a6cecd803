/** Facets of the OpenLineage specification: each with who made it and the schema it keeps to. */

/** The versions that are written: published as `https://openlineage.io/spec/…`. */
const SCHEMAS = {
  columnLineage: '1-2-0/ColumnLineageDatasetFacet',
  dataQualityMetrics: '1-0-0/DataQualityMetricsDatasetFacet',
  dataSource: '1-0-1/DatasourceDatasetFacet',
  documentation: '1-1-0/DocumentationDatasetFacet',
  jobDocumentation: '1-1-0/DocumentationJobFacet',
  errorMessage: '1-0-1/ErrorMessageRunFacet',
  inputStatistics: '1-0-0/InputStatisticsInputDatasetFacet',
  jobType: '2-0-4/JobTypeJobFacet',
  outputStatistics: '1-0-2/OutputStatisticsOutputDatasetFacet',
  processing_engine: '1-1-1/ProcessingEngineRunFacet',
  schema: '1-2-0/SchemaDatasetFacet',
  tags: '1-0-0/TagsRunFacet',
  version: '1-0-1/DatasetVersionDatasetFacet',
} as const

export type FacetName = keyof typeof SCHEMAS

/** By key: several are laid into one object. */
export type Facets = Readonly<Record<string, object>>

/** Those of a job and of a dataset have one key. */
const KEYS: Partial<Record<FacetName, string>> = { jobDocumentation: 'documentation' }

export const RUN_EVENT_SCHEMA = 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent'

/** A package URL: it names the program with its version, and no place on the web. */
export function producerOf(version: string): string {
  return `pkg:npm/fhir-stoker@${encodeURIComponent(version)}`
}

export type MakeFacet = (name: FacetName, body: object) => Facets

export function facetMaker(producer: string): MakeFacet {
  return (name, body) => {
    const [, definition] = SCHEMAS[name].split('/')
    const _schemaURL = `https://openlineage.io/spec/facets/${SCHEMAS[name]}.json#/$defs/${definition!}`
    return { [KEYS[name] ?? name]: { _producer: producer, _schemaURL, ...body } }
  }
}
