/** A cohort's file read strictly: either all of it is right, or each mistake is told with its line. */
import { basename } from 'node:path'
import { definitionHash, type CohortDefinition, type CohortMistake } from './definition.ts'
import { readHeader, type Header } from './header.ts'
import { placeholders, typedText, withPlaceholders } from './placeholders.ts'

export type Parsed =
  | { readonly definition: CohortDefinition; readonly mistakes?: undefined }
  | { readonly definition?: undefined; readonly mistakes: readonly CohortMistake[] }

const NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/

export function nameOf(file: string): string {
  return basename(file, '.sql')
}

/** Whether its SELECT is one, DuckDB says: see syntax.ts. */
export function parseCohort(file: string, text: string): Parsed {
  const name = nameOf(file)
  const mistakes: CohortMistake[] = []
  const complain = (line: number | undefined, message: string, wayOut: string) =>
    void mistakes.push({ name, file, line, message, wayOut })
  if (!NAME.test(name))
    complain(
      undefined,
      `${name} is no name of a cohort`,
      'name the file with a-z, 0-9, - and _, such as statin-gap.sql',
    )
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  const headLength = lines.findIndex((line) => !line.startsWith('--'))
  const head = lines.slice(0, headLength < 0 ? lines.length : headLength)
  const header = readHeader(head, complain)
  const blank = lines.slice(head.length).findIndex((line) => line.trim() !== '')
  const sqlLine = head.length + Math.max(0, blank) + 1
  const sql = lines
    .slice(sqlLine - 1)
    .join('\n')
    .trimEnd()
    .replace(/(?:\s*;)+$/, '')
  if (sql === '') complain(sqlLine, 'there is no SELECT', 'write one below the header, with a column patient_key')
  checkPlaceholders(sql, sqlLine, header, complain)
  if (mistakes.length > 0) return { mistakes }
  const { title, description, simplified, codes, parameters } = header
  const types = new Map(parameters.map((each) => [each.name, each.type]))
  const typedSql = withPlaceholders(sql, (each) => typedText(each, types.get(each)!))
  const hash = definitionHash({ sql, parameters })
  return { definition: { name, file, title, description, simplified, codes, parameters, sql, sqlLine, typedSql, hash } }
}

/** Each parameter is used, and nothing else is. */
function checkPlaceholders(
  sql: string,
  sqlLine: number,
  { parameters, parameterLines }: Pick<Header, 'parameters' | 'parameterLines'>,
  complain: (line: number, message: string, wayOut: string) => void,
): void {
  const used = placeholders(sql)
  const known = new Set(parameters.map(({ name }) => name))
  const told = new Set<string>()
  for (const { name, text, offset } of used) {
    if ((name !== undefined && known.has(name)) || told.has(text)) continue
    told.add(text)
    const line = lineAt(sql, offset, sqlLine)
    if (name === undefined) complain(line, `${text} has no name`, 'name each parameter: $hba1c_min')
    else
      complain(line, `${text} is no parameter`, `add -- parameter ${name} TYPE = DEFAULT  what it means, to the header`)
  }
  for (const { name } of parameters) {
    if (used.some((place) => place.name === name)) continue
    complain(
      parameterLines.get(name)!,
      `parameter ${name} is used nowhere`,
      `write $${name} where it counts, or drop it`,
    )
  }
}

/** @param offset in the SQL, from 0 */
export function lineAt(sql: string, offset: number, sqlLine: number): number {
  return sqlLine + sql.slice(0, offset).split('\n').length - 1
}
