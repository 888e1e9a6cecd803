/**
 * A plan as one DuckDB SELECT. Fan-out is staged: each forEach is an unnest() in the SELECT list of a further nested
 * subquery that carries only what is still needed. Never lateral: `FROM t, unnest(t.list)` is decorrelated into joins,
 * 10 times slower on one level and 400 on two. Nothing is staged in tables, so memory stays bounded.
 */
import { sqlName, sqlText } from '../../core/sql.ts'
import { fieldsRead, levelExprs, levelMentions } from '../plan/mentions.ts'
import type { Level, Part, Plan } from '../plan/plan.ts'
import { ViewError } from '../view-error.ts'
import { exactNumbers } from './exact-numbers.ts'
import { exprSql, withVars, type ExprContext } from './expr-sql.ts'
import { withLossNote } from './loss-note.ts'
import { partList } from './rows-sql.ts'
import { structText, wantsDigits } from './struct.ts'

export interface ViewInput {
  /** SQL of a relation: a table function's call, or a subquery in parentheses. */
  readonly from: string
  /** Name of its column with a resource's JSON text. */
  readonly json: string
  /** Name of its column whose text and a '/' stand before keys: several sources in one warehouse. Absent: none. */
  readonly keyPrefix?: string
  /** Names of its columns that each row of the view carries, first in the output. */
  readonly carry: readonly string[]
  /** Name of a sequence from which a number is taken for each resource of which lossSql() counts something. */
  readonly lossSequence?: string | undefined
}

/**
 * Always true, and never the same to the optimizer: else it would push the conditions below the projection and parse
 * each text twice, once to filter and once to read (half the speed, measured on DuckDB 1.5).
 */
const BARRIER = 'CASE WHEN random() >= 0'

/** The resource's own JSON, beside its structure. */
const JSON_TEXT = '__json'

/** A part still to come: its list is computed already, or not. */
interface Pending {
  readonly part: Part
  readonly list: string | undefined
}

export function viewSql(plan: Plan, input: ViewInput, stopsOnMany: boolean): string {
  const clash = input.carry.find((name) =>
    plan.columns.some((column) => column.name.toLowerCase() === name.toLowerCase()),
  )
  if (clash !== undefined) {
    throw new ViewError(
      'VIEW_INVALID',
      `the column ${clash} has the name of a column that every view table has`,
      {},
      'give it another name',
    )
  }
  const carry = input.carry.map(sqlName)
  const key = input.keyPrefix === undefined ? [] : [`${sqlName(input.keyPrefix)} || '/' AS __key`]
  const context = {
    vars: new Map([[plan.root, plan.root]]),
    keyPrefix: input.keyPrefix === undefined ? undefined : '__key',
    json: JSON_TEXT,
    stopsOnMany,
  }
  const { parsed, isType } = parsedSql(plan, input, [...carry, ...key, `${sqlName(input.json)} AS ${JSON_TEXT}`])
  const conditions = [isType, ...plan.where.map((test) => exprSql(test, context))]
  const { lossSequence } = input
  const where = lossSequence === undefined ? conditions : [withLossNote(conditions, plan, context, lossSequence)]
  const staging: Staging = { plan, carry, isKeyed: key.length > 0 }
  return stage(staging, { from: parsed, where, context, known: [] }, cellsOf(plan.level, context), plan.level.parts, [])
}

/** The relation with each resource as a structure, beside `columns`, and the condition that it is of the view's type. */
export function parsedSql(
  plan: Plan,
  input: Pick<ViewInput, 'from' | 'json'>,
  columns: readonly string[],
): { readonly parsed: string; readonly isType: string } {
  const json = wantsDigits(plan.shape) ? exactNumbers(sqlName(input.json)) : sqlName(input.json)
  const struct = `from_json(${json}, ${sqlText(structText(plan.shape))})`
  return {
    parsed: select([...columns, `${BARRIER} THEN ${struct} END AS ${plan.root}`], input.from),
    isType: `${plan.root}."resourceType" = ${sqlText(plan.resource)}`,
  }
}

interface Staging {
  readonly plan: Plan
  readonly carry: readonly string[]
  readonly isKeyed: boolean
}

/** The relation so far. */
interface Relation {
  readonly from: string
  readonly where: readonly string[]
  readonly context: ExprContext
  /** Names of the view's columns that it has already. */
  readonly known: readonly string[]
}

/** `cells`: SQL of columns that can be computed now; `parts` go on from here, `later` wait from stages before. */
function stage(
  staging: Staging,
  relation: Relation,
  cells: Cells,
  parts: readonly Part[],
  later: readonly Pending[],
): string {
  const { context, known, where } = relation
  const from = `(${relation.from})`
  const [next, ...rest] = [...parts.map((part): Pending => ({ part, list: undefined })), ...later]
  if (!next) return select(output(staging, known, cells), from, where)
  const { part } = next
  const waiting = rest.map((one) => ({ part: one.part, list: `${one.part.item}l`, isNew: one.list === undefined }))
  const list = next.list ?? partList(part, context)
  const index = part.kind === 'each' ? part.index : undefined
  const needed = [...context.vars.keys()].filter((name) =>
    [part, ...rest.map((one) => one.part)].some((one) => insideMentions(one, name)),
  )
  const columns = [
    ...staging.carry,
    ...(staging.isKeyed ? ['__key'] : []),
    ...([part, ...rest.map((one) => one.part)].some(readsText) ? [JSON_TEXT] : []),
    ...known.map(sqlName),
    ...[...cells].map(([name, sql]) => `${sql} AS ${sqlName(name)}`),
    ...needed,
    ...waiting.map((one) => (one.isNew ? `${partList(one.part, context)} AS ${one.list}` : one.list)),
    `unnest(${list}) AS ${part.item}`,
    ...(index === undefined ? [] : [`generate_subscripts(${list}, 1) - 1 AS ${index}`]),
  ]
  const inner = withVars(
    { ...context, vars: new Map(needed.map((name) => [name, name])) },
    [part.item, part.item],
    ...(index === undefined ? [] : [[index, index] as const]),
  )
  const after: Relation = {
    from: select(columns, from, where),
    where: part.kind === 'each' && !part.isOrNull && part.outer === undefined ? [`${part.item} IS NOT NULL`] : [],
    context: inner,
    known: [...known, ...cells.keys()],
  }
  return part.kind === 'each'
    ? stage(staging, after, cellsOf(part.level, inner), part.level.parts, waiting)
    : stage(staging, after, new Map(part.names.map((name) => [name, `${part.item}.${sqlName(name)}`])), [], waiting)
}

type Cells = ReadonlyMap<string, string>

function cellsOf(level: Level, context: ExprContext): Cells {
  return new Map(level.cells.map((cell) => [cell.name, exprSql(cell.value, context)]))
}

/** What a part still needs after its list is made. */
function insideMentions(part: Part, name: string): boolean {
  return part.kind === 'each' && levelMentions(part.level, name)
}

/** Whether its items have texts to judge; its list is made by now. */
function readsText(part: Part): boolean {
  return (
    part.kind === 'each' &&
    levelExprs(part.level)
      .flatMap(fieldsRead)
      .some((field) => field.kind === 'text')
  )
}

/** In the order of the definition, whatever the order they were computed in. */
function output({ plan, carry }: Staging, known: readonly string[], cells: Cells): string[] {
  const columns = plan.columns.map(({ name }) =>
    known.includes(name) ? sqlName(name) : `${cells.get(name)!} AS ${sqlName(name)}`,
  )
  return [...carry, ...columns]
}

function select(columns: readonly string[], from: string, where: readonly string[] = []): string {
  const condition = where.length === 0 ? '' : `\nWHERE ${where.join(' AND ')}`
  return `SELECT ${columns.join(',\n  ')}\nFROM ${from}${condition}`
}
