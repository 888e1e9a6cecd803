/** Pseudonyms and shifts of dates by HMAC-SHA-256 (RFC 2104), computed by DuckDB: no row passes through this process's heap. */
import { createHash, createHmac } from 'node:crypto'
import { KEY, type DatasetColumn } from './columns.ts'
import type { Privacy } from './definition.ts'

/** What is put before the patient's key: nothing of a pseudonym tells anything of the shift. */
const PSEUDONYM_OF = 'patient_key:'
const SHIFT_OF = 'date_shift:'

const BLOCK_BYTES = 64

/** `$1` and `$2` of the statements below: the key in its two paddings, as hexadecimal text. Not to be seen by other SQL. */
export function keyParameters(key: Buffer): readonly [inner: string, outer: string] {
  const block = Buffer.alloc(BLOCK_BYTES)
  const fitting = key.length > BLOCK_BYTES ? createHash('sha256').update(key).digest() : key
  fitting.copy(block)
  const padded = (pad: number) => Buffer.from(block.map((byte) => byte ^ pad)).toString('hex')
  return [padded(0x36), padded(0x5c)]
}

/** SQL of the key that is shown of a row of the cohort. */
export function shownKeySql({ pseudonyms }: Privacy, relation: string): string {
  return pseudonyms ? hmacSql(PSEUDONYM_OF, relation) : `${relation}.${KEY}`
}

/** SQL of the days by which the patient's dates are shifted, from -N to N, never 0: an unshifted date would be a true one. */
export function shiftSql({ shiftDays }: Privacy, relation: string): string {
  if (shiftDays === 0) return '0'
  const place = `(('0x' || substr(${hmacSql(SHIFT_OF, relation)}, 1, 13))::BIGINT % ${2 * shiftDays})`
  return `(${place} - CASE WHEN ${place} < ${shiftDays} THEN ${shiftDays} ELSE ${shiftDays - 1} END)::INTEGER`
}

/** The column, shifted where it is a date or a time and there is a shift. */
export function shiftedSql(
  sql: string,
  { type }: Pick<DatasetColumn, 'type'>,
  { shiftDays }: Privacy,
  shift: string,
): string {
  if (shiftDays === 0) return sql
  if (type === 'DATE') return `${sql} + ${shift}`
  return type === 'TIMESTAMP' || type === 'TIMESTAMPTZ' ? `${sql} + to_days(${shift})` : sql
}

/** Tells of two data sets whether they were made with the same key, and nothing else of it. */
export function keyFingerprint(key: Buffer): string {
  return createHmac('sha256', key).update('fingerprint').digest('hex').slice(0, 16)
}

function hmacSql(label: string, relation: string): string {
  return `sha256(unhex($2) || unhex(sha256(unhex($1) || encode('${label}' || ${relation}.${KEY}))))`
}
