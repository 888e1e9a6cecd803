/** What of a view may be lost to a wrong shape: where to look, and what was wanted there. */
import { fieldsRead, levelExprs } from './mentions.ts'
import { FALSE, type Expr } from './expr.ts'
import type { Cell, Level, Part, Plan } from './plan.ts'
import { prunedShape, type Field, type Shape } from './shape.ts'

/** As in "12 values were not dates". */
export type Wanted =
  | 'text'
  | 'true or false'
  | 'whole numbers'
  | 'numbers'
  | 'dates'
  | 'times'
  | 'instants'
  | 'base64'
  | 'objects'
  | 'lists'
  | 'single'

/** True for a row whose column lost a value: it was there, and is NULL in the table. */
export interface Check {
  readonly wanted: Wanted
  readonly test: Expr
}

/** An element that columns read; `chain` leads to it from the resource. */
export interface Watched {
  readonly chain: readonly Field[]
  /** Names of the columns; none for what only forEach or where() reads. */
  readonly columns: readonly string[]
}

/** The same rows with checks for cells, each named `column: wanted`; what holds none is left out. */
export function checkPlan(plan: Plan): Plan {
  const level = checkLevel(plan.level)
  const names = [...new Set(checkNames(level))]
  const used = new Set([...plan.where, ...levelExprs(level)].flatMap(fieldsRead))
  return {
    ...plan,
    level,
    columns: names.map((name) => ({ ...plan.columns[0]!, name })),
    shape: prunedShape(plan.shape, (field) => used.has(field) || field.name === 'resourceType'),
  }
}

/** Every element of the plan's shape whose JSON may be other than FHIR says, but for what stays JSON. */
export function watchedElements(plan: Plan): Watched[] {
  const cells = allCells(plan.level)
  return chains(plan.shape)
    .filter((chain) => chain.length > 1 || chain[0]!.name !== 'resourceType')
    .map((chain) => {
      const field = chain.at(-1)!
      const readers = cells.filter((cell) => fieldsRead(cell.value).includes(field)).map((cell) => cell.name)
      return { chain, columns: [...new Set(readers)] }
    })
}

function chains(shape: Shape, before: readonly Field[] = []): (readonly Field[])[] {
  return [...shape.fields.values()].flatMap((field) => {
    if (field.isJson) return []
    const chain = [...before, field]
    return [chain, ...(field.kind === 'object' ? chains(field.shape, chain) : [])]
  })
}

function checkLevel(level: Level): Level {
  const cells = level.cells.flatMap((cell) =>
    (cell.checks ?? []).map(({ wanted, test }) => ({ name: `${cell.name}: ${wanted}`, value: test })),
  )
  return { cells, parts: level.parts.flatMap(checkPart) }
}

function checkPart(part: Part): Part[] {
  if (part.kind === 'each') {
    const level = checkLevel(part.level)
    return checkNames(level).length === 0 ? [] : [{ ...part, level }]
  }
  const branches = part.branches.map(checkLevel)
  const names = [...new Set(branches.flatMap(checkNames))]
  // Every branch has all of them, in one order.
  const filled = branches.map((branch) => {
    const known = checkNames(branch)
    const missing = names.filter((name) => !known.includes(name)).map((name): Cell => ({ name, value: FALSE }))
    return { ...branch, cells: [...branch.cells, ...missing] }
  })
  return names.length === 0 ? [] : [{ ...part, branches: filled, names }]
}

function checkNames(level: Level): string[] {
  return [
    ...level.cells.map((cell) => cell.name),
    ...level.parts.flatMap((part) => (part.kind === 'union' ? part.names : checkNames(part.level))),
  ]
}

function allCells(level: Level): Cell[] {
  const below = level.parts.flatMap((part) => (part.kind === 'union' ? part.branches : [part.level]))
  return [...level.cells, ...below.flatMap(allCells)]
}
