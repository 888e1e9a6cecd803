/** DuckDB's word on whether a text is one SELECT, before there is any table. */
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api'
import { sqlText } from '../../core/sql.ts'
import type { CohortDefinition, CohortMistake } from './definition.ts'
import { lineAt } from './parse.ts'

interface Parse {
  readonly error: boolean
  readonly error_type?: string
  readonly error_message?: string
  /** In bytes, from 0. */
  readonly position?: string
  readonly statements?: readonly unknown[]
}

/** Each of them in vain: none of them runs. Gives the mistakes of those that are no SELECT. */
export async function syntaxMistakes(definitions: readonly CohortDefinition[]): Promise<CohortMistake[]> {
  if (definitions.length === 0) return []
  const instance = await DuckDBInstance.create(':memory:', { autoinstall_known_extensions: 'false', threads: '1' })
  try {
    const connection = await instance.connect()
    await connection.run('SET enable_external_access = false; SET lock_configuration = true')
    const found: CohortMistake[] = []
    for (const each of definitions) found.push(...(await mistakesOf(connection, each)))
    connection.closeSync()
    return found
  } finally {
    instance.closeSync()
  }
}

async function mistakesOf(connection: DuckDBConnection, definition: CohortDefinition): Promise<CohortMistake[]> {
  const { name, file, sql, sqlLine } = definition
  const answer = await connection.runAndReadAll(`SELECT json_serialize_sql(${sqlText(sql)})::VARCHAR AS parse`)
  const parse = JSON.parse(answer.getRowObjectsJson()[0]!.parse as string) as Parse
  const mistake = (line: number, message: string, wayOut: string) => [{ name, file, line, message, wayOut }]
  if (parse.error && parse.error_type === 'parser') {
    const offset = Buffer.from(sql)
      .subarray(0, Number(parse.position ?? 0))
      .toString().length
    return mistake(lineAt(sql, offset, sqlLine), parse.error_message ?? 'is no SQL', 'put the SELECT right')
  }
  const word = /^[\s(]*([A-Za-z]+)/.exec(sql.replace(/^(?:\s|--[^\n]*\n|\/\*[^]*?\*\/)+/, ''))?.[1]?.toUpperCase()
  if (parse.error)
    return mistake(sqlLine, `${word ?? 'this'} is no SELECT`, 'a cohort is one SELECT with a column patient_key')
  if (parse.statements!.length !== 1)
    return mistake(sqlLine, `there are ${parse.statements!.length} statements`, 'a cohort is one SELECT')
  return []
}
