/** Staged NDJSON → one Parquet file of the raw log. */
import { rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { makeFolder, settle } from '../core/durable.ts'
import { sqlText } from '../core/sql.ts'
import { copyLines } from '../store/raw-log-copy.ts'
import type { Session } from '../store/session.ts'
import type { LineFacts } from './line-meter.ts'

/** What a manifest says a file holds; it decides which lines are usable. */
export type FileKind = 'output' | 'deleted' | 'error'

/** A file that was fetched, and where its lines go. */
export interface StagedFile {
  readonly source: string
  readonly run: number
  readonly file: number
  readonly kind: FileKind
  /** Types that were asked for. A line of another type is a reject: servers export what nobody wants to hold (secrets). */
  readonly types: readonly string[]
  readonly stagedPath: string
  readonly rawPath: string
}

/**
 * Writes the raw log file: row n is line n; a line that is blank or no usable resource is a row of NULLs. Columns:
 * `type, id, version BIGINT, last_updated TIMESTAMPTZ, subsetted, header, hash UBIGINT (of the text), json, source, run,
 * file`. The line is `file_row_number + 1` (a column of its own would cost a third of the speed), see `store/raw-log.ts`.
 */
export async function writeRawLog(session: Session, raw: StagedFile, facts: LineFacts): Promise<void> {
  await makeFolder(dirname(raw.rawPath))
  const part = `${raw.rawPath}.part`
  const select = (lines: string) => `
  SELECT type, id, version, last_updated, subsetted, header, CASE WHEN type IS NOT NULL THEN hash(json) END AS hash,
    CASE WHEN type IS NOT NULL THEN json END AS json,
    ${sqlText(raw.source)} AS source, ${raw.run}::INTEGER AS run, ${raw.file}::INTEGER AS file
  FROM (
    SELECT json,
      CASE WHEN ${usable(raw)} THEN r.resourceType END AS type,
      CASE WHEN ${usable(raw)} THEN r.id[2:-2] END AS id,
      TRY_CAST(r.meta.versionId AS BIGINT) AS version,
      CASE WHEN r.meta.lastUpdated LIKE '____-__-__T%' THEN TRY_CAST(r.meta.lastUpdated AS TIMESTAMPTZ) END AS last_updated,
      ${SUBSETTED} AS subsetted,
      ${header(raw)} AS header
    FROM (
      SELECT json, from_json(json, '{"resourceType":"VARCHAR","id":"JSON","meta":{"versionId":"VARCHAR","lastUpdated":"VARCHAR"}}') AS r
      FROM ${lines}))`
  const lines = `read_ndjson_objects(${sqlText(raw.stagedPath)}, ignore_errors = true, compression = 'uncompressed',
        maximum_object_size = ${objectBytesMax(facts)})`
  const sizes = { lines: facts.lines, bytes: facts.bytes, longestBytes: facts.longestLineBytes }
  try {
    await copyLines(session, { lines, select, path: part, sizes, rowGroupBytes: ROW_GROUP_BYTES, level: 1 })
    await settle(part, raw.rawPath)
  } catch (error) {
    await rm(part, { force: true })
    throw error
  }
}

/** A FHIR id is at most 64 characters of `[A-Za-z0-9-.]`; Epic's have up to 88, others have underscores. */
export const ID_PATTERN = '^[A-Za-z0-9._:~-]{1,256}$'
/** The same as JSON text: a number is no id. */
const ID_TEXT_PATTERN = '"[A-Za-z0-9._:~-]{1,256}"'

/**
 * Whether the resource holds only some of its elements (`meta.tag` SUBSETTED, FHIR R4 "Resource.meta"). Most do not have
 * the word in them at all, and finding that out is cheaper than reading their tags; a search that begins with a quote stops
 * at every one.
 */
const SUBSETTED = `CASE WHEN contains(json, 'SUBSETTED"') THEN list_contains(
        coalesce(json_extract_string(json, '$.meta.tag[*].code'), []), 'SUBSETTED') ELSE false END`

/**
 * A header line stands before each block of an export that is organized by a resource type (Bulk Data Access, "Bulk Data
 * Output File Organization"). It is no resource of the export, and no reject.
 */
function header({ kind, types }: StagedFile): string {
  if (kind !== 'output' || types.includes('Parameters')) return 'false'
  // CASE, since DuckDB would evaluate both sides of an AND for every line.
  return `CASE WHEN r.resourceType = 'Parameters' THEN coalesce(json_extract_string(json, '$.parameter[0].name') = 'header', false)
    ELSE false END`
}

function usable(raw: StagedFile): string {
  switch (raw.kind) {
    case 'output':
      return `(r.resourceType IN (${raw.types.map(sqlText).join(', ')}) AND regexp_full_match(r.id, ${sqlText(ID_TEXT_PATTERN)}))`
    case 'deleted':
      return `(r.resourceType = 'Bundle')`
    case 'error':
      return `(r.resourceType = 'OperationOutcome')`
  }
}

/** DuckDB holds two buffers of this size per thread, so a file of short lines gets short ones. Its default is 16 MiB. */
function objectBytesMax(facts: LineFacts): number {
  return Math.max(4 << 20, facts.longestLineBytes + 1024)
}

/** Of text: a row group is held in memory while it is written. */
const ROW_GROUP_BYTES = 16 << 20
