/** A published table's Parquet files: rows in order, the same rows in the same bytes, what holds the same carried over. */
import { version } from '@duckdb/node-api'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { link, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { makeFolder, settle, syncFolder } from '../../core/durable.ts'
import { sqlName, sqlText } from '../../core/sql.ts'
import type { Session } from '../../store/session.ts'
import { tableColumns, type View, type ViewColumn } from '../tables/view.ts'
import { tableOrder } from './table-order.ts'
import { tableParts, type PartSizes } from './table-parts.ts'

export interface TableFile {
  /** Its name in the table's folder. */
  readonly file: string
  readonly rows: number
  readonly bytes: number
  readonly sha256: string
  /** A hash of all that its bytes come of. */
  readonly holds: string
}

/** Files that may be carried over: what the last snapshot published, and where. */
interface Published {
  readonly folder: string
  readonly files: readonly TableFile[]
}

interface Written {
  readonly files: readonly TableFile[]
  /** How many of them are the old snapshot's. */
  readonly carriedOver: number
}

/** To be raised with every change of what is written for the same rows. */
const LAYOUT = 1

const COPY_OPTIONS = 'FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 32768'

/**
 * Writes the rows of `relation`, a table with the view's columns, into `folder`. The same rows give the same bytes, whatever
 * their order, the memory and the threads, under one version of DuckDB: within a file they lie by code, patient and
 * resource, and what ties in these by the hash of the whole row.
 */
export async function writeViewTable(
  session: Session,
  view: Pick<View, 'resource' | 'columns' | 'keepsDeleted'>,
  relation: string,
  folder: string,
  published?: Published,
  sizes?: PartSizes,
): Promise<Written> {
  const { patient, code } = tableOrder(view)
  const columns = tableColumns(view)
  const hash = rowHash(columns)
  const order = [[code, patient, '_resource_key'].filter((name) => name !== undefined).map(sqlName), hash].join(', ')
  const carry = await Carry.make(session, published)
  await makeFolder(folder)
  const files: Promise<TableFile>[] = []
  let carriedOver = 0
  for (const [i, part] of (await tableParts(session, relation, { patient, hash }, sizes)).entries()) {
    const file = `${i}.parquet`
    const holds = sha256Text(
      [LAYOUT, version(), order, columns.map((c) => [c.name, c.type]), part.rows, part.sum].join(),
    )
    const old = await carry.over(holds, join(folder, file))
    if (old !== undefined) {
      carriedOver += 1
      files.push(Promise.resolve({ ...old, file }))
      continue
    }
    const names = columns.map((column) => sqlName(column.name)).join(', ')
    const select = `SELECT ${names} FROM ${relation} WHERE ${part.where} ORDER BY ${order}`
    const path = join(folder, file)
    await session.run(`COPY (${select}) TO ${sqlText(`${path}.part`)} (${COPY_OPTIONS})`)
    // Summed and flushed to disk while DuckDB sorts the next.
    const written = finishFile(path, { file, rows: part.rows, holds })
    written.catch(() => undefined)
    files.push(written)
  }
  return { files: await Promise.all(files), carriedOver }
}

/** To DuckDB's hash an empty list is NULL, and one with a NULL in it like another: as text they differ. */
function rowHash(columns: readonly ViewColumn[]): string {
  const isPlain = ({ type }: ViewColumn) => /^[A-Z ]+$/.test(type)
  const values = columns.map((column) => (isPlain(column) ? sqlName(column.name) : `${sqlName(column.name)}::VARCHAR`))
  return `hash(${values.join(', ')})`
}

/** Writes the rows of `select`, a few, in its order. */
export async function writeSmallTable(session: Session, select: string, folder: string): Promise<TableFile> {
  await makeFolder(folder)
  const path = join(folder, '0.parquet')
  const rows = await session.run(`COPY (${select}) TO ${sqlText(`${path}.part`)} (${COPY_OPTIONS})`)
  return finishFile(path, { file: '0.parquet', rows, holds: '' })
}

/** Links every file of an unchanged table; undefined where one of them is not as it was published. */
export async function carryAllOver(
  session: Session,
  published: Published,
  folder: string,
): Promise<readonly TableFile[] | undefined> {
  const carry = await Carry.make(session, published)
  await makeFolder(folder)
  for (const { holds, file } of published.files) {
    if ((await carry.over(holds, join(folder, file))) === undefined) {
      await rm(folder, { recursive: true, force: true })
      return undefined
    }
  }
  await syncFolder(folder)
  return published.files
}

/** Of the old snapshot's files those that are still as they were published. */
class Carry {
  private readonly folder: string
  private readonly files: ReadonlyMap<string, TableFile>

  private constructor(folder: string, files: ReadonlyMap<string, TableFile>) {
    this.folder = folder
    this.files = files
  }

  static async make(session: Session, published: Published | undefined): Promise<Carry> {
    if (published === undefined) return new Carry('', new Map())
    const sound = new Map<string, TableFile>()
    for (const file of published.files) {
      const path = join(published.folder, file.file)
      try {
        if ((await stat(path)).size !== file.bytes) continue
        if ((await rowsOf(session, path)) === file.rows) sound.set(file.holds, file)
      } catch {
        // Gone, or no Parquet any more: written anew.
      }
    }
    return new Carry(published.folder, sound)
  }

  /** A hard link: removing the old snapshot does not touch it. Undefined where there is none to be had. */
  async over(holds: string, to: string): Promise<TableFile | undefined> {
    const file = this.files.get(holds)
    if (file === undefined) return undefined
    try {
      await link(join(this.folder, file.file), to)
      return file
    } catch {
      return undefined
    }
  }
}

async function rowsOf(session: Session, path: string): Promise<number | undefined> {
  const found = await session.first<{ rows: number }>(
    `SELECT num_rows AS rows FROM parquet_file_metadata(${sqlText(path)})`,
  )
  return found?.rows
}

async function finishFile(path: string, facts: Pick<TableFile, 'file' | 'rows' | 'holds'>): Promise<TableFile> {
  const sum = createHash('sha256')
  await pipeline(createReadStream(`${path}.part`, { highWaterMark: 1 << 20 }), sum)
  const { size } = await stat(`${path}.part`)
  await settle(`${path}.part`, path)
  return { ...facts, bytes: size, sha256: sum.digest('hex') }
}

function sha256Text(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
