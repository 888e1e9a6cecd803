/** What goes into a run and what comes out of it, as OpenLineage datasets: types of a FHIR server, tables of the lake. */
import { pathToFileURL } from 'node:url'
import { tableColumns, type View } from '../../warehouse/tables/view.ts'
import type { ElementUse, ViewLineage } from '../../views/lineage.ts'
import type { Facets, MakeFacet } from './facets.ts'
import type { TableFacts, TypeFacts } from './run-facts.ts'

/** A view that knows what its columns are made of. */
export interface ReportedView extends View {
  lineage(): ViewLineage
}

export interface Dataset {
  readonly namespace: string
  readonly name: string
  readonly facets: Facets
  readonly inputFacets?: Facets
  readonly outputFacets?: Facets
}

/** The server's types are named by their address: origin and path. */
function typeDataset(baseUrl: URL, type: string): { readonly namespace: string; readonly name: string } {
  return { namespace: baseUrl.origin, name: `${baseUrl.pathname.replace(/\/*$/, '/')}${type}` }
}

/** @param views of that type; none where it is only named */
export function inputDataset(
  facet: MakeFacet,
  source: { readonly name: string; readonly baseUrl: URL },
  type: string,
  views: readonly ReportedView[] = [],
  counts?: TypeFacts,
): Dataset {
  const elements = new Set(views.flatMap(elementsOf))
  const fields = [...elements].sort().map((name) => ({ name }))
  const { baseUrl } = source
  return {
    ...typeDataset(baseUrl, type),
    facets: {
      ...facet('dataSource', { name: source.name, uri: `${baseUrl.origin}${baseUrl.pathname}` }),
      ...(fields.length > 0 && facet('schema', { fields })),
    },
    ...(counts && {
      inputFacets: facet('inputStatistics', { rowCount: counts.received, size: counts.bytes, fileCount: counts.files }),
    }),
  }
}

export interface TablePlace {
  readonly namespace: string
  /** Absolute path. */
  readonly catalog: string
}

/** A table that is only named: what is in it the end of the run tells. */
export function namedTable(facet: MakeFacet, { namespace, catalog }: TablePlace, name: string): Dataset {
  return { namespace, name, facets: facet('dataSource', { name: namespace, uri: pathToFileURL(catalog).href }) }
}

/** @param snapshot that has it */
export function outputDataset(
  facet: MakeFacet,
  place: TablePlace,
  view: ReportedView,
  baseUrl: URL | undefined,
  counts: TableFacts | undefined,
  snapshot: number | undefined,
): Dataset {
  const named = namedTable(facet, place, view.name)
  return {
    ...named,
    facets: {
      ...named.facets,
      ...(view.description !== undefined && facet('documentation', { description: view.description })),
      ...facet('schema', { fields: schemaFields(view) }),
      ...(baseUrl && facet('columnLineage', columnLineage(view, typeDataset(baseUrl, view.resource)))),
      ...(snapshot !== undefined && facet('version', { datasetVersion: String(snapshot) })),
      ...(counts &&
        facet('dataQualityMetrics', {
          rowCount: counts.rows,
          bytes: counts.bytes,
          fileCount: counts.files,
          columnMetrics: {},
        })),
    },
    ...(counts && {
      outputFacets: facet('outputStatistics', {
        rowCount: counts.rowsAdded,
        size: counts.bytesWritten,
        fileCount: counts.filesWritten,
      }),
    }),
  }
}

function schemaFields(view: View): object[] {
  return tableColumns(view).map(({ name, type, description }, index) => ({
    name,
    type,
    ...(description !== undefined && { description }),
    ordinal_position: index + 1,
  }))
}

/** In front of a view's own columns, those of lineage that come from the resource. */
const CARRIED: Readonly<Record<string, { readonly element: string; readonly use: ElementUse }>> = {
  _resource_key: { element: 'id', use: 'part' },
  _last_updated: { element: 'meta.lastUpdated', use: 'value' },
}

const TRANSFORMATIONS: Readonly<Record<ElementUse, object>> = {
  value: { type: 'DIRECT', subtype: 'IDENTITY' },
  part: { type: 'DIRECT', subtype: 'TRANSFORMATION' },
  condition: { type: 'INDIRECT', subtype: 'CONDITIONAL' },
}

type DatasetName = ReturnType<typeof typeDataset>

/** The body of the facet: by column the elements it is made of, and those that decide which rows there are. */
export function columnLineage(view: ReportedView, input: DatasetName): object {
  const { columns, rowsDependOn } = view.lineage()
  const field = (element: string, transformation: object) => ({
    ...input,
    field: element,
    transformations: [transformation],
  })
  const made = [
    ...Object.entries(CARRIED).map(([name, element]) => ({ name, elements: [element] })),
    ...columns.filter(({ elements }) => elements.length > 0),
  ]
  return {
    fields: Object.fromEntries(
      made.map(({ name, elements }) => [
        name,
        { inputFields: elements.map(({ element, use }) => field(element, TRANSFORMATIONS[use])) },
      ]),
    ),
    ...(rowsDependOn.length > 0 && {
      dataset: rowsDependOn.map((element) => field(element, { type: 'INDIRECT', subtype: 'FILTER' })),
    }),
  }
}

function elementsOf(view: ReportedView): string[] {
  const { columns, rowsDependOn } = view.lineage()
  const inColumns = columns.flatMap(({ elements }) => elements.map(({ element }) => element))
  return [...Object.values(CARRIED).map(({ element }) => element), ...inColumns, ...rowsDependOn]
}
