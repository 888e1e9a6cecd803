/** Which split a patient's rows go to: by a hash of the key and a salt, so that it is the same however many others come. */
import { sqlText } from '../../core/sql.ts'
import { KEY } from './columns.ts'
import { SPLITS, type Split, type SplitName } from './definition.ts'

/** Hexadecimal digits of the hash that are looked at: 52 bits, which a DOUBLE holds. */
const DIGITS = 13

/**
 * SQL of the split of a row of the cohort: the first 52 bits of SHA-256 of `salt LF key`, as a part of 1, compared with the
 * shares in the order train, validation, test. SHA-256, since DuckDB's own hash may be another in its next version.
 */
export function splitSql({ shares, salt }: Split, relation: string): string {
  const hash = `sha256(${sqlText(`${salt}\n`)} || ${relation}.${KEY})`
  const place = `('0x' || substr(${hash}, 1, ${DIGITS}))::BIGINT / ${2 ** (4 * DIGITS)}`
  const [last, ...before] = [...SPLITS].reverse().filter((name) => shares[name] > 0)
  const cases = before.reverse().map((name) => `WHEN ${place} < ${upperBound(shares, name)} THEN ${sqlText(name)}`)
  return cases.length === 0 ? sqlText(last!) : `CASE ${cases.join(' ')} ELSE ${sqlText(last!)} END`
}

function upperBound(shares: Split['shares'], name: SplitName): number {
  const upTo = SPLITS.slice(0, SPLITS.indexOf(name) + 1)
  return upTo.reduce((sum, each) => sum + shares[each], 0) / 100
}
