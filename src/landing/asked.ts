/** A landed file against the question: resources that were not asked for. Some servers leave out what they can't do. */
import { sqlText } from '../core/sql.ts'
import type { Session } from '../store/session.ts'
import { rawRelation } from '../store/raw-log.ts'
import { filterCondition } from './type-filter.ts'

export interface Question {
  /** As sent; null when nothing was. */
  readonly since: string | null
  readonly typeFilters: readonly string[]
  /** Whether only some elements were asked for. */
  readonly elements: boolean
}

export interface Outside {
  readonly code: 'OLDER_THAN_SINCE' | 'OUTSIDE_FILTER' | 'SUBSETTED'
  readonly type: string
  readonly count: number
}

/**
 * By type: resources older than `_since`, those outside every `_typeFilter` of their type (only where all of them can be
 * judged here), and those of which only some elements came though nobody asked for that.
 */
export async function outsideAsked(session: Session, rawPath: string, question: Question): Promise<Outside[]> {
  const { since, typeFilters, elements } = question
  const checks: string[] = []
  const check = (code: Outside['code'], where: string) =>
    checks.push(`SELECT ${sqlText(code)} AS code, type, count(*) AS count FROM lines WHERE ${where} GROUP BY type`)
  if (!elements) check('SUBSETTED', 'subsetted')
  if (since !== null) check('OLDER_THAN_SINCE', `last_updated < ${sqlText(since)}::TIMESTAMPTZ`)
  for (const type of new Set(typeFilters.map((filter) => filter.split('?', 1)[0]!))) {
    const conditions = typeFilters.filter((filter) => filter.startsWith(`${type}?`)).map(filterCondition)
    if (conditions.some((condition) => condition === undefined)) continue
    check('OUTSIDE_FILTER', `type = ${sqlText(type)} AND NOT (${conditions.join(' OR ')})`)
  }
  if (checks.length === 0) return []
  return session.rows<Outside>(
    `WITH lines AS (FROM ${rawRelation([rawPath])}) ${checks.join(' UNION ALL ')} ORDER BY code, type`,
  )
}
