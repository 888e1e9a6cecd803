/**
 * A note that the view lacks something: what lossSql() counts, asked of one resource. Asked while the rows are made, it
 * costs less than reading everything a second time only to find nothing.
 */
import { sqlText } from '../../core/sql.ts'
import type { Level, Part, Plan } from '../plan/plan.ts'
import type { Field } from '../plan/shape.ts'
import { checkPlan } from '../plan/watch.ts'
import { exprSql, withVars, type ExprContext } from './expr-sql.ts'
import { partList } from './rows-sql.ts'
import { hasWrongValue, strangeValue, watchedKinds, type WatchedKind } from './wrong-values.ts'

/**
 * The same conditions as one, and a number taken from the sequence for each resource that meets them and of which
 * lossSql() counts something. As one, since DuckDB tries several in any order. `context`: that of the resource.
 */
export function withLossNote(
  conditions: readonly string[],
  plan: Plan,
  context: ExprContext & { readonly json: string },
  sequence: string,
): string {
  const rows = levelTests(checkPlan(plan).level, { ...context, stopsOnMany: false })
  const test = anyOf([...elementTests(plan, context.json), ...rows])
  const note = `CASE WHEN ${test} THEN nextval(${sqlText(sequence)}) > 0 ELSE true END`
  return `CASE WHEN ${conditions.join(' AND ')} THEN ${note} ELSE false END`
}

/**
 * Most resources pass by one look at their text, for a name before a value that no element of this name may have. It
 * costs as much as looking for three elements in the structure.
 */
function elementTests(plan: Plan, json: string): string[] {
  const watched = watchedKinds(plan)
  const ambiguous = ambiguousNames(watched)
  const plain = watched.filter((one) => strangeValue(one) !== undefined && !ambiguous.has(one.chain.at(-1)!.name))
  const others = watched.filter((one) => !plain.includes(one))
  const tests = (some: readonly WatchedKind[]) => some.map((one) => hasWrongValue(one, plan.root, json))
  if (plain.length === 0) return tests(others)
  const strange = sqlText(`"(?:${[...new Set(plain.map(strangeValue))].join('|')})`)
  return [`CASE WHEN regexp_matches(${json}, ${strange}) THEN ${anyOf(tests(plain))} ELSE false END`, ...tests(others)]
}

/** An object here and a text there, in the view or in most resources: the one look would always find something. */
function ambiguousNames(watched: readonly WatchedKind[]): ReadonlySet<string> {
  const known = new Map<string, Field>()
  const names = new Set(['code', 'identifier', 'text', 'type', 'value'])
  for (const field of watched.map((one) => one.chain.at(-1)!)) {
    const first = known.get(field.name) ?? field
    known.set(field.name, first)
    if (first.kind !== field.kind || first.isMany !== field.isMany) names.add(field.name)
  }
  return names
}

/** Whether some row's column has lost its value. Whether another part leaves that row at all is not asked. */
function levelTests(level: Level, context: ExprContext): string[] {
  const cells = level.cells.map((cell) => exprSql(cell.value, context))
  return [...cells, ...level.parts.flatMap((part) => partTests(part, context))]
}

function partTests(part: Part, context: ExprContext): string[] {
  if (part.kind === 'union') return part.branches.flatMap((branch) => levelTests(branch, context))
  const { item, index } = part
  const position = index === undefined ? [] : [[index, `(${index} - 1)`] as const]
  const inner = levelTests(part.level, withVars(context, [item, item], ...position))
  return [anyItem(partList(part, context), index === undefined ? item : `${item}, ${index}`, inner)]
}

function anyItem(list: string, params: string, tests: readonly string[]): string {
  return `list_bool_or(list_transform(${list}, lambda ${params}: ${anyOf(tests)}))`
}

function anyOf(tests: readonly string[]): string {
  return tests.length === 0 ? 'false' : tests.join(' OR ')
}
