/** A published table's division into files: by generations of runs, and large ones by ranges of patients. */
import { sqlName, sqlText } from '../../core/sql.ts'
import type { Session } from '../../store/session.ts'
import { generations, type Generation, type RunRows } from './generations.ts'

/** The rows of one file. */
interface TablePart {
  /** A condition on the table's rows, as SQL text. */
  readonly where: string
  readonly rows: number
  /** Of the hashes of its rows: another sum means other rows. */
  readonly sum: bigint
}

/** A range of patients, up to the next one's first. */
interface PatientRange {
  readonly first: string | null
  readonly rows: number
  readonly sum: bigint
}

export interface PartSizes {
  /** A generation with more than twice as many rows is cut into ranges of about so many, and no fewer than half. */
  readonly rows: number
}

/**
 * Sorting half a million rows of forty columns takes some 500 MB; more of them at once would spill. Fewer don't lower the
 * process's peak: DuckDB keeps the table's pages in what its limit leaves. With 250,000 two million rows took 6 % less
 * memory and 7 % more CPU, with 125,000 a quarter less and half as much again.
 */
const SIZES: PartSizes = { rows: 500_000 }

interface PartColumns {
  /** Column with the key by which large tables are cut. */
  readonly patient: string
  /** The hash of a row, as SQL text. */
  readonly hash: string
}

/**
 * The parts of `relation`, which has a column `_run`: a pure function of its rows, whatever their order.
 * @param relation a table, as SQL text; it is read more than once
 */
export async function tableParts(
  session: Session,
  relation: string,
  columns: PartColumns,
  sizes: PartSizes = SIZES,
): Promise<TablePart[]> {
  const runs = await session.rows<RunRows>(
    `SELECT _run AS run, count(*) AS rows FROM ${relation} GROUP BY _run ORDER BY _run`,
  )
  const parts: TablePart[] = []
  for (const generation of generations(runs, sizes.rows / 5)) {
    const within = `_run BETWEEN ${generation.first} AND ${generation.last}`
    if (generation.rows <= 2 * sizes.rows) parts.push(await wholePart(session, relation, columns, within))
    else parts.push(...(await rangeParts(session, relation, columns, { ...generation, within }, sizes)))
  }
  return parts.length > 0 ? parts : [{ where: 'true', rows: 0, sum: 0n }]
}

async function wholePart(session: Session, relation: string, { hash }: PartColumns, where: string): Promise<TablePart> {
  const found = await session.first<{ rows: number; sum: bigint | number | null }>(
    `SELECT count(*) AS rows, sum(${hash}) AS sum FROM ${relation} WHERE ${where}`,
  )
  return { where, rows: found?.rows ?? 0, sum: BigInt(found?.sum ?? 0) }
}

/**
 * A range may begin at patients whose key's hash is a multiple of some power of two: where one comes or goes, only the
 * ranges beside it change.
 */
async function rangeParts(
  session: Session,
  relation: string,
  { patient, hash }: PartColumns,
  { rows, within }: Generation & { readonly within: string },
  sizes: PartSizes,
): Promise<TablePart[]> {
  const column = sqlName(patient)
  const found = await session.rows<{ first: string | null; rows: number | bigint; sum: bigint | number }>(`
    WITH patients AS MATERIALIZED (
      SELECT ${column} AS key, count(*) AS rows, sum(${hash}) AS sum FROM ${relation} WHERE ${within} GROUP BY key),
    marks AS (
      SELECT *, coalesce(md5_number_lower(key) % (1 << greatest(0, floor(log2((SELECT count(*) FROM patients)
        / ${Math.ceil((8 * rows) / sizes.rows)}))::INTEGER))::UBIGINT = 0, false) AS is_mark FROM patients),
    ranges AS (SELECT *, count(*) FILTER (is_mark) OVER (ORDER BY key NULLS FIRST ROWS UNBOUNDED PRECEDING) AS range FROM marks)
    SELECT min(key) AS first, sum(rows) AS rows, sum(sum) AS sum FROM ranges GROUP BY range ORDER BY range`)
  const joined = joinRanges(
    found.map((range) => ({ first: range.first, rows: Number(range.rows), sum: BigInt(range.sum) })),
    sizes.rows / 2,
  )
  return joined.map((range, i) => {
    const from = i === 0 ? [] : [`${column} >= ${sqlText(range.first ?? '')}`]
    const next = joined[i + 1]?.first
    const to = next == null ? [] : [`${column} < ${sqlText(next)}`]
    const condition = [...from, ...to].join(' AND ')
    const where = i === 0 && condition !== '' ? `(${condition} OR ${column} IS NULL)` : condition
    return { where: [within, where].filter(Boolean).join(' AND '), rows: range.rows, sum: range.sum }
  })
}

/** Neighbours put together until each has `rowsMin` rows; what is left over at the end goes with the last. */
function joinRanges(ranges: readonly PatientRange[], rowsMin: number): PatientRange[] {
  const joined: PatientRange[] = []
  for (const range of ranges) {
    const last = joined.at(-1)
    if (last === undefined || last.rows >= rowsMin) joined.push(range)
    else joined[joined.length - 1] = together(last, range)
  }
  const [before, last] = joined.slice(-2)
  if (before !== undefined && last !== undefined && last.rows < rowsMin) joined.splice(-2, 2, together(before, last))
  return joined
}

function together(a: PatientRange, b: PatientRange): PatientRange {
  return { first: a.first, rows: a.rows + b.rows, sum: a.sum + b.sum }
}
