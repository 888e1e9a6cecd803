/** A cohort as its file defines it: what it means, its codes, its parameters, and the SELECT that finds its patients. */
import { createHash } from 'node:crypto'

export interface CohortDefinition {
  /** Of its file, without `.sql`. */
  readonly name: string
  /** Path of the file. */
  readonly file: string
  readonly title: string
  /** The clinical definition in words. */
  readonly description: string
  /** Where it is less than what is published under that name, or another thing. */
  readonly simplified: string | undefined
  readonly codes: readonly CohortCode[]
  readonly parameters: readonly CohortParameter[]
  /** One SELECT with a column `patient_key`; it has `$name` for each parameter. Without a semicolon at its end. */
  readonly sql: string
  /** Where that begins in the file, from 1. */
  readonly sqlLine: number
  /** The same, with each `$name` cast to the type of its parameter, line by line. This is what runs. */
  readonly typedSql: string
  /** Of all that decides who is a member: the SELECT, and the parameters with their values. Hexadecimal. */
  readonly hash: string
}

export interface CohortCode {
  /** As people call it: `SNOMED CT`, `LOINC`. */
  readonly system: string
  /** A `*` at its end: all codes that begin so. */
  readonly code: string
  readonly display: string
}

/** A DATE is its ISO text. */
export type ParameterValue = string | number | boolean | null

export type ParameterType = 'BOOLEAN' | 'INTEGER' | 'DOUBLE' | 'VARCHAR' | 'DATE'

export interface CohortParameter {
  readonly name: string
  readonly type: ParameterType
  readonly value: ParameterValue
  readonly description: string
}

/** One thing that is wrong with one file. */
export interface CohortMistake {
  /** Of the cohort; of what can be none, the file's or the folder's. */
  readonly name: string
  readonly file: string
  /** From 1; undefined where it is the file itself. */
  readonly line: number | undefined
  readonly message: string
  readonly wayOut: string
}

/** `cohorts/a.sql:3: message: way out`, without a line feed. */
export function mistakeText({ file, line, message, wayOut }: CohortMistake): string {
  return `${file}${line === undefined ? '' : `:${line}`}: ${message}: ${wayOut}`
}

/** What a definition's `$name`s are bound to. */
export function parameterValues({
  parameters,
}: Pick<CohortDefinition, 'parameters'>): Readonly<Record<string, ParameterValue>> {
  return Object.fromEntries(parameters.map(({ name, value }) => [name, value]))
}

/** Prose may change without a change of the cohort. */
export function definitionHash({ sql, parameters }: Pick<CohortDefinition, 'sql' | 'parameters'>): string {
  const values = parameters.map(({ name, type, value }) => [name, type, value])
  return createHash('sha256')
    .update(JSON.stringify([sql, values]))
    .digest('hex')
}
