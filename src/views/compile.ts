/** compileView: a ViewDefinition to SQL text. Pure: it runs nothing and reads nothing but the table of FHIR's types. */
import { createHash } from 'node:crypto'
import { buildPlan } from './build-plan.ts'
import { constants } from './constants.ts'
import { readDefinition, type ViewDefinition } from './definition.ts'
import { columnTypeName } from './duckdb/column-type.ts'
import { lossSql } from './duckdb/loss-sql.ts'
import { structText } from './duckdb/struct.ts'
import { viewSql, type ViewInput } from './duckdb/view-sql.ts'
import { fhirTypes, releaseOf, type FhirRelease, type FhirTypes } from './fhir-types.ts'
import { nearestName } from '../core/nearest-name.ts'
import { viewLineage, type ViewLineage } from './lineage.ts'
import { Mistakes } from './mistakes.ts'
import type { ViewContext } from './typing/typed.ts'
import { ViewError } from './view-error.ts'

export type { ViewInput } from './duckdb/view-sql.ts'

export interface CompiledColumn {
  readonly name: string
  /** DuckDB type, like VARCHAR, DATE, TIMESTAMPTZ, DECIMAL(18,2), VARCHAR[]. */
  readonly type: string
  /** FHIR type of its values, declared or found. */
  readonly fhirType: string
  readonly description?: string | undefined
}

export interface CompiledView {
  readonly name: string
  readonly resource: string
  readonly fhirVersion: FhirRelease
  readonly description?: string | undefined
  /** sha256 of definition, options and compiler version, in hex: another hash may mean other rows. */
  readonly hash: string
  readonly columns: readonly CompiledColumn[]
  /** The structure that from_json() is given: only what the view reads. */
  readonly struct: string
  /** A SELECT: `input.carry`, then the columns. */
  sql(input: ViewInput): string
  /**
   * A SELECT of what the same input has in a wrong shape and the view therefore lacks, `(column VARCHAR, element
   * VARCHAR, wanted VARCHAR, values BIGINT)`: "birth_date: 12 values were not dates". No rows when nothing is lost.
   * `element` is the path in the JSON where the resource itself is not as FHIR has it; `column` is NULL where only
   * forEach or where() reads that element.
   */
  lossSql(input: Pick<ViewInput, 'from' | 'json'>): string
  /** Which elements each column is made of. */
  lineage(): ViewLineage
}

export interface CompileOptions {
  /** The data's release. Absent: that of the view's own `fhirVersion`, else R4. */
  readonly fhirVersion?: FhirRelease
  /**
   * `warehouse` (default): what can be known to be wrong is an error now, and no data stops the query: several values
   * where one is promised are NULL. `specification`: as SQL on FHIR's processing algorithm has it, an unknown element
   * is empty, and several values where one is promised stop the query.
   */
  readonly rules?: 'warehouse' | 'specification'
}

/** Raised when the same definition compiles to other rows. */
const COMPILER_VERSION = 3

/** @throws ViewError: the first mistake, with the path in the JSON and the place in the FHIRPath; it names all. */
export function compileView(definition: unknown, options: CompileOptions = {}): CompiledView {
  const rules = options.rules ?? 'warehouse'
  const name = nameOf(definition)
  const mistakes = new Mistakes({ view: name })
  const view = readDefinition(definition, mistakes)
  const types = mistakes.attempt({}, () => fhirTypes(releaseFor(view, options.fhirVersion)), fhirTypes('R4'))
  if (view.resource !== '') mistakes.attempt({}, () => checkResource(view.resource, types), undefined)
  if (!types.isResource(view.resource)) mistakes.check()
  const isByValue = rules === 'specification'
  const plan = buildPlan(view, context(view, types, isByValue, mistakes), {
    typeTags: ['duckdb/type', 'ansi/type'],
    judgesValues: isByValue,
  })
  mistakes.check()
  return {
    name,
    resource: view.resource,
    fhirVersion: types.release,
    description: view.description,
    hash: createHash('sha256')
      .update(canonical([COMPILER_VERSION, types.release, rules, definition]))
      .digest('hex'),
    columns: plan.columns.map((column) => ({
      name: column.name,
      type: columnTypeName(column.type) + (column.isList ? '[]' : ''),
      fhirType: column.fhirType,
      description: column.description,
    })),
    struct: structText(plan.shape),
    sql: (input) => viewSql(plan, input, isByValue),
    lossSql: (input) => lossSql(plan, input),
    lineage: () => viewLineage(plan),
  }
}

function context(view: ViewDefinition, types: FhirTypes, allowsUnknown: boolean, mistakes: Mistakes): ViewContext {
  let made = 0
  return {
    types,
    resource: view.resource,
    constants: constants(view, types, mistakes),
    allowsUnknown,
    mistakes,
    fresh: () => `__${++made}`,
  }
}

/** The name as far as it can be told, for the places of mistakes. */
function nameOf(definition: unknown): string {
  const name = (definition as { readonly name?: unknown } | null)?.name
  return typeof name === 'string' && name !== '' ? name : 'view'
}

/** The data's release, where it is known, must be one of the view's; else the first of the view's that is known here. */
function releaseFor({ fhirVersions }: ViewDefinition, data: FhirRelease | undefined): FhirRelease {
  const releases = fhirVersions.map(releaseOf)
  if (fhirVersions.length === 0 || (data !== undefined && releases.includes(data))) return data ?? 'R4'
  const first = releases.find((one) => one !== undefined)
  if (data === undefined && first !== undefined) return first
  const problem = data === undefined ? 'known here are R4, R4B and R5' : `the data is ${data}`
  throw new ViewError('VIEW_UNSUPPORTED', `the view is for FHIR ${fhirVersions.join(', ')}, ${problem}`, {
    path: 'fhirVersion',
  })
}

function checkResource(resource: string, types: FhirTypes): void {
  if (types.isResource(resource)) return
  const nearest = nearestName(resource, types.resourceNames())
  throw new ViewError(
    'VIEW_UNKNOWN',
    `FHIR ${types.release} has no resource ${resource}`,
    { path: 'resource' },
    nearest && `did you mean ${nearest}?`,
  )
}

/** JSON with sorted keys: the order in a file means nothing. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([left], [right]) => (left < right ? -1 : 1)))
      : part,
  )
}
