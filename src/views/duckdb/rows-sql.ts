/** Rows as values: the list that a part unnests, and for unionAll the rows of its branches as one list of structs. */
import { sqlText } from '../../core/sql.ts'
import type { Level, Part } from '../plan/plan.ts'
import { exprSql, withVars, type ExprContext } from './expr-sql.ts'
import { once } from './once.ts'

/** SQL of the list whose items are a part's foci, or a unionAll's rows. */
export function partList(part: Part, context: ExprContext): string {
  const list = part.kind === 'each' ? exprSql(part.list, context) : unionRows(part.branches, context)
  const filled =
    part.kind === 'each' && part.isOrNull
      ? once(list, (value) => `CASE WHEN len(${value}) > 0 THEN ${value} ELSE [NULL] END`)
      : list
  return part.outer === undefined
    ? filled
    : `CASE WHEN ${context.vars.get(part.outer)!} IS NULL THEN [NULL] ELSE ${filled} END`
}

function unionRows(branches: readonly Level[], context: ExprContext): string {
  const lists = branches.map((branch) => rows(branch, context))
  return lists.length === 1 ? lists[0]! : `list_concat(${lists.join(', ')})`
}

function rows(level: Level, context: ExprContext): string {
  return combined(level.parts, cellsOf(level, context), context).list
}

/** Column name to SQL. */
type Cells = readonly (readonly [string, string])[]

/** Every combination of the parts' rows, each with `cells`; `row` is set when it is always exactly one. */
function combined(parts: readonly Part[], cells: Cells, context: ExprContext): { list: string; row?: string } {
  const [part, ...rest] = parts
  if (!part) {
    const row = `{${cells.map(([name, sql]) => `${sqlText(name)}: ${sql}`).join(', ')}}`
    return { list: `[${row}]`, row }
  }
  const { item } = part
  const inner =
    part.kind === 'each'
      ? eachRow(part, rest, cells, context)
      : combined(
          rest,
          [...cells, ...part.names.map((name) => [name, `${item}.${JSON.stringify(name)}`] as const)],
          context,
        )
  const params = part.kind === 'each' && part.index !== undefined ? `${item}, ${part.index}` : item
  const list = partList(part, context)
  return {
    list:
      inner.row === undefined
        ? `flatten(list_transform(${list}, lambda ${params}: ${inner.list}))`
        : `list_transform(${list}, lambda ${params}: ${inner.row})`,
  }
}

function eachRow(
  part: Part & { kind: 'each' },
  rest: readonly Part[],
  cells: Cells,
  context: ExprContext,
): { list: string; row?: string } {
  const index = part.index === undefined ? [] : [[part.index, `(${part.index} - 1)`] as const]
  const inner = withVars(context, [part.item, part.item], ...index)
  return combined([...part.level.parts, ...rest], [...cells, ...cellsOf(part.level, inner)], inner)
}

function cellsOf(level: Level, context: ExprContext): Cells {
  return level.cells.map((cell) => [cell.name, exprSql(cell.value, context)] as const)
}
