/** The desk where a lake's queries are answered, with its process beside this file. */
import { fileURLToPath } from 'node:url'
import { QUERY_LIMITS_DEFAULT, QueryDesk, type QueryLimits } from '../analysis/query/query-desk.ts'
import type { Lake } from '../warehouse/lake.ts'

/** @param limits those that are not the default's */
export function openQueryDesk(lake: Lake, limits: Partial<QueryLimits> = {}): QueryDesk {
  return new QueryDesk(lake, { ...QUERY_LIMITS_DEFAULT, ...limits }, ENTRY)
}

/** Node 20 runs no TypeScript: from its source, what was built of it is started. */
const ENTRY = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../dist/app/query-process.js' : './query-process.js', import.meta.url),
)
