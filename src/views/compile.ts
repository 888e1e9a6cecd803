/** compileView: a ViewDefinition to SQL text. Pure: it runs nothing and reads nothing but the table of FHIR's types. */
import { createHash } from 'node:crypto'
import { buildPlan } from './build-plan.ts'
import { readDefinition, type ConstantDefinition, type ViewDefinition } from './definition.ts'
import { columnTypeName } from './duckdb/column-type.ts'
import { structText } from './duckdb/struct.ts'
import { viewSql, type ViewInput } from './duckdb/view-sql.ts'
import { fhirTypes, type FhirRelease, type FhirTypes } from './fhir-types.ts'
import { nearestName } from '../core/nearest-name.ts'
import { text } from './plan/expr.ts'
import { valueOf, type Typed, type ViewContext } from './typing/typed.ts'
import { ViewError, within } from './view-error.ts'

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
  readonly description?: string | undefined
  /** sha256 of definition, options and compiler version, in hex: another hash may mean other rows. */
  readonly hash: string
  readonly columns: readonly CompiledColumn[]
  /** The structure that from_json() is given: only what the view reads. */
  readonly struct: string
  /** A SELECT: `input.carry`, then the columns. */
  sql(input: ViewInput): string
}

export interface CompileOptions {
  readonly fhirVersion?: FhirRelease
  /**
   * `warehouse` (default): what can be known to be wrong is an error now, and no data stops the query: several values
   * where one is promised are NULL. `specification`: as SQL on FHIR's processing algorithm has it, an unknown element
   * is empty, and several values where one is promised stop the query.
   */
  readonly rules?: 'warehouse' | 'specification'
}

/** Raised when the same definition compiles to other rows. */
const COMPILER_VERSION = 1

/** @throws ViewError: what is wrong, with the path in the JSON and the place in the FHIRPath. */
export function compileView(definition: unknown, options: CompileOptions = {}): CompiledView {
  const release = options.fhirVersion ?? 'R4'
  const rules = options.rules ?? 'warehouse'
  const view = readDefinition(definition)
  const name = view.name ?? 'view'
  return within({ view: name }, () => {
    const types = fhirTypes(release)
    checkRelease(view, types)
    const isByValue = rules === 'specification'
    const plan = buildPlan(view, context(view, types, isByValue), {
      typeTags: ['duckdb/type', 'ansi/type'],
      judgesValues: isByValue,
    })
    return {
      name,
      resource: view.resource,
      description: view.description,
      hash: createHash('sha256')
        .update(canonical([COMPILER_VERSION, release, rules, definition]))
        .digest('hex'),
      columns: plan.columns.map((column) => ({
        name: column.name,
        type: columnTypeName(column.type) + (column.isList ? '[]' : ''),
        fhirType: column.fhirType,
        description: column.description,
      })),
      struct: structText(plan.shape),
      sql: (input) => viewSql(plan, input, isByValue),
    }
  })
}

function context(view: ViewDefinition, types: FhirTypes, allowsUnknown: boolean): ViewContext {
  let made = 0
  return {
    types,
    resource: view.resource,
    constants: constants(view, types),
    allowsUnknown,
    fresh: () => `__${++made}`,
  }
}

function checkRelease({ resource, fhirVersions }: ViewDefinition, types: FhirTypes): void {
  if (!types.isResource(resource)) {
    const nearest = nearestName(resource, types.resourceNames())
    throw new ViewError(
      'VIEW_UNKNOWN',
      `FHIR ${types.release} has no resource ${resource}`,
      { path: 'resource' },
      nearest && `did you mean ${nearest}?`,
    )
  }
  if (
    fhirVersions.length > 0 &&
    !fhirVersions.some((version) => types.version.startsWith(version) || version.startsWith(types.version))
  ) {
    throw new ViewError(
      'VIEW_UNSUPPORTED',
      `the view is for FHIR ${fhirVersions.join(', ')}, the data is ${types.version}`,
      { path: 'fhirVersion' },
    )
  }
}

const BUILT_IN = ['rowIndex', 'context', 'resource', 'rootResource', 'sct', 'loinc', 'ucum']

function constants(view: ViewDefinition, types: FhirTypes): Map<string, Typed> {
  const known = new Map<string, Typed>()
  for (const constant of view.constants) {
    const { name, at: path } = constant
    if (known.has(name)) throw new ViewError('VIEW_INVALID', `the constant ${name} is already defined`, { path })
    if (BUILT_IN.includes(name)) throw new ViewError('VIEW_INVALID', `%${name} has a meaning of its own`, { path })
    known.set(name, constantValue(constant, types))
  }
  return known
}

function constantValue({ type, value, at: path }: ConstantDefinition, types: FhirTypes): Typed {
  if (!types.isPrimitive(type) && type !== 'integer64')
    throw new ViewError('VIEW_UNKNOWN', `there is no primitive type ${type}`, { path })
  const isWhole = ['integer', 'positiveInt', 'unsignedInt', 'integer64'].includes(type)
  const wanted = type === 'boolean' ? 'boolean' : isWhole || type === 'decimal' ? 'number' : 'string'
  const isText = type === 'integer64' && typeof value === 'string'
  if (typeof value !== wanted && !isText) throw new ViewError('VIEW_INVALID', `${type} is a ${wanted}`, { path })
  if (isWhole && !/^-?\d+$/.test(String(value)))
    throw new ViewError('VIEW_INVALID', `${type} is a whole number`, { path })
  if (typeof value === 'boolean') return valueOf(type, { op: 'boolean', value })
  return valueOf(type, isWhole ? { op: 'integer', value: String(value) } : text(String(value)))
}

/** JSON with sorted keys: the order in a file means nothing. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([left], [right]) => (left < right ? -1 : 1)))
      : part,
  )
}
