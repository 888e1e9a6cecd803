/** The files of a data set: Parquet by DuckDB, and the same rows in the same order as Arrow. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { settle } from '../../core/durable.ts'
import { sqlText } from '../../core/sql.ts'
import { writeArrowFile } from './arrow-file.ts'
import type { Sandbox } from './sandbox.ts'

export interface DatasetFile {
  readonly file: string
  readonly rows: number
  readonly bytes: number
  readonly sha256: string
}

/** Row groups of some MB; no word of when it was written. */
const PARQUET = 'FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 65536, USE_TMP_FILE false'

/** @param name without its ending */
export async function writeFiles(
  sandbox: Sandbox,
  select: string,
  folder: string,
  name: string,
): Promise<DatasetFile[]> {
  const parquet = join(folder, `${name}.parquet`)
  const rows = await sandbox.session.run(`COPY (${select}) TO ${sqlText(`${parquet}.part`)} (${PARQUET})`)
  await settle(`${parquet}.part`, parquet)
  const arrow = join(folder, `${name}.arrow`)
  await writeArrowFile(await sandbox.stream(`FROM read_parquet(${sqlText(parquet)})`), `${arrow}.part`)
  await settle(`${arrow}.part`, arrow)
  return [await factsOf(folder, `${name}.parquet`, rows), await factsOf(folder, `${name}.arrow`, rows)]
}

async function factsOf(folder: string, file: string, rows: number): Promise<DatasetFile> {
  const sum = createHash('sha256')
  await pipeline(createReadStream(join(folder, file), { highWaterMark: 1 << 20 }), sum)
  const { size } = await stat(join(folder, file))
  return { file, rows, bytes: size, sha256: sum.digest('hex') }
}
