/** Whom a data set is of: a SELECT of its own, or a cohort's definition with its parameters, by file or by name. */
import { basename } from 'node:path'
import {
  definitionHash,
  type CohortDefinition,
  type CohortMistake,
  type CohortParameter,
  type ParameterValue,
} from '../analysis/cohort/definition.ts'
import { cohortNamed, type CohortLibrary } from '../analysis/cohort/library.ts'
import { readValue, SHAPES } from '../analysis/cohort/parameter-text.ts'
import { parseCohort } from '../analysis/cohort/parse.ts'
import { placeholders, typedText } from '../analysis/cohort/placeholders.ts'
import type { DatasetCohort } from '../analysis/dataset/definition.ts'
import type { DatasetMistake } from '../analysis/dataset/mistakes.ts'
import type { ConfigFields } from '../app/config-fields.ts'
import { shownPath } from '../app/shown-path.ts'
import { StokerError } from '../core/errors.ts'
import { nearestName } from '../core/nearest-name.ts'
import { checkKeys, readNamedFile, readSelect, type Reading } from './dataset-select.ts'
import { placeIn } from './dataset-sql-place.ts'

export interface CohortReading extends Reading {
  /** Those of the configuration; undefined where there is none. */
  readonly cohorts: () => Promise<CohortLibrary | undefined>
  /** Names of the data set's own parameters. */
  readonly parameters: readonly string[]
  /** Of files of cohorts. */
  readonly say: (mistake: DatasetMistake) => void
}

export async function readCohort(
  fields: ConfigFields,
  reading: CohortReading,
  isWanted: boolean,
): Promise<DatasetCohort> {
  const wayOut =
    'Give sql (a SELECT), file (the path of one, or of a cohort) or name (of a cohort of the configuration).'
  checkKeys(fields, ['sql', 'file', 'name'], wayOut, isWanted)
  const named = await readNamedFile(fields, reading)
  const tell = (mistakes: readonly CohortMistake[]) => tellAll(mistakes, fields.has('name') ? 'name' : 'file', reading)
  let definition: CohortDefinition | undefined
  if (named !== undefined && HEADER.test(headOf(named.text))) {
    const parsed = parseCohort(named.file, named.text)
    definition = parsed.definition
    if (parsed.mistakes !== undefined) tell(parsed.mistakes)
    else return ofDefinition(fields, parsed.definition, named.file, reading)
  } else if (fields.text('name') !== undefined && !fields.has('sql') && !fields.has('file')) {
    definition = await findNamed(fields, fields.text('name')!, reading, tell)
    if (definition !== undefined) return ofDefinition(fields, definition, shownPath(definition.file), reading)
  } else if (fields.has('parameters') && !fields.isMisshapen('parameters')) {
    const instead =
      'Give them under parameters of the data set, or the file a header: -- parameter NAME TYPE = DEFAULT …'
    fields.mistake('parameters', 'are those of a cohort with a header, which this is not', instead)
  }
  return readSelect(fields, 'cohort', reading, named)
}

/** A file without one is a SELECT as in the YAML file, whatever its comments say. */
const HEADER = /^-- (?:title:|parameter\s)/m

function headOf(text: string): string {
  return /^\uFEFF?((?:--.*(?:\r?\n|$))*)/.exec(text)![1]!
}

async function findNamed(
  fields: ConfigFields,
  name: string,
  { cohorts }: CohortReading,
  tell: (mistakes: readonly CohortMistake[]) => void,
): Promise<CohortDefinition | undefined> {
  const library = await cohorts()
  if (library === undefined) {
    const wayOut = 'Name it with --config, or give file: the path of the SQL.'
    fields.mistake('name', 'there is no configuration here that names folders of cohorts', wayOut)
    return undefined
  }
  try {
    return cohortNamed(library, name)
  } catch (error) {
    if (!(error instanceof StokerError)) throw error
    const own = library.mistakes.filter((each) => each.name === name)
    if (own.length > 0) tell(own.map((each) => ({ ...each, file: shownPath(each.file) })))
    else fields.mistake('name', error.message, sentenceOf(error.hint ?? 'stoker cohort list tells them'))
    return undefined
  }
}

function tellAll(mistakes: readonly CohortMistake[], key: string, { say }: CohortReading): void {
  for (const { file, line = 1, message, wayOut } of mistakes)
    say({ file, line, column: 1, path: `cohort.${key}`, problem: message, wayOut: sentenceOf(wayOut) })
}

function ofDefinition(
  fields: ConfigFields,
  definition: CohortDefinition,
  file: string,
  reading: CohortReading,
): DatasetCohort {
  const { name, title, description, simplified, codes, parameters, sql, sqlLine, typedSql } = definition
  const values = readValues(fields, parameters, reading)
  const given = parameters.map((each) => ({ ...each, value: values[each.name]! }))
  const place = (byte = 0) => {
    const before = Buffer.from(typedSql).subarray(0, byte).toString('utf8').length
    const { line, column } = placeIn(sql, Buffer.byteLength(sql.slice(0, offsetBefore(definition, before))))
    return { file, line: sqlLine + line - 1, column }
  }
  return {
    path: 'cohort',
    description: fields.text('description')?.trim() ?? description,
    sql: typedSql,
    place,
    values,
    definition: {
      ...{ name, file: basename(file), title, description, simplified, codes, written: sql },
      parameters: given,
      sha256: definitionHash({ sql, parameters: given }),
    },
  }
}

/** Where a character of the SQL that runs stands in the SQL as it is written. */
function offsetBefore({ sql, parameters }: CohortDefinition, typedOffset: number): number {
  let longer = 0
  for (const { name, text, offset } of placeholders(sql)) {
    const type = parameters.find((each) => each.name === name)!.type
    const typed = typedText(name!, type).length
    if (typedOffset < offset + longer + typed) return Math.min(typedOffset - longer, offset)
    longer += typed - text.length
  }
  return typedOffset - longer
}

function readValues(
  fields: ConfigFields,
  parameters: readonly CohortParameter[],
  reading: CohortReading,
): Record<string, ParameterValue> {
  const own = fields.child('parameters')
  const known = parameters.map(({ name }) => name)
  for (const name of own.keys().filter((each) => !known.includes(each))) {
    const near = nearestName(name, known)
    const all = known.length === 0 ? 'It has none.' : `It has ${known.join(', ')}.`
    own.mistake(name, 'is no parameter of the cohort', near === undefined ? all : `Did you mean '${near}'?`)
  }
  return Object.fromEntries(parameters.map((each) => [each.name, valueOf(own, each, reading)]))
}

function valueOf(own: ConfigFields, { name, type, value }: CohortParameter, reading: CohortReading): ParameterValue {
  if (!own.has(name)) {
    // Two thresholds that are thought to be one would be noticed by nobody.
    if (reading.parameters.includes(name)) {
      const wayOut = `Say which value the cohort takes, under cohort.parameters; its default is ${String(value ?? 'null')}.`
      own.missing(name, wayOut, 'the data set and the cohort both have a parameter of this name')
    }
    return value
  }
  if (own.isMisshapen(name)) return value
  const given = own.text(name) ?? own.number(name) ?? own.flag(name) ?? null
  const read = given === null ? null : valueOfType(type, given)
  if (read === undefined) own.mistake(name, `is no ${type}`, sentenceOf(SHAPES[type]))
  return read ?? null
}

function valueOfType(
  type: CohortParameter['type'],
  given: string | number | boolean,
): Exclude<ParameterValue, null> | undefined {
  if (type === 'VARCHAR') return typeof given === 'string' ? given : undefined
  const wanted = { BOOLEAN: 'boolean', INTEGER: 'number', DOUBLE: 'number', DATE: 'string' }[type]
  return typeof given === wanted ? (readValue(type, String(given)) ?? undefined) : undefined
}

function sentenceOf(words: string): string {
  return `${words[0]!.toUpperCase()}${words.slice(1)}${/[?.]$/.test(words) ? '' : '.'}`
}
