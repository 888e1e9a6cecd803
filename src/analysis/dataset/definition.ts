/** A data set's definition: whom it is of, what is to be foretold, from what, and how its rows are divided and guarded. */
import { createHash } from 'node:crypto'
import type { CohortCode, CohortParameter, ParameterValue as CohortValue } from '../cohort/definition.ts'
import type { Place } from './mistakes.ts'

export interface DatasetDefinition {
  /** The definition's file, without its folder. */
  readonly file: string
  readonly name: string
  readonly description: string | undefined
  readonly from: DatasetOrigin
  readonly parameters: Readonly<Record<string, ParameterValue>>
  /** Gives `patient_key` and `index_date`; what else it gives can be used as `cohort.NAME` by the others. */
  readonly cohort: DatasetCohort
  /** Gives `patient_key`, `index_date`, `at` (when it is known) and one label or several. */
  readonly label: DatasetSelect
  readonly features: readonly FeatureDefinition[]
  readonly split: Split
  readonly privacy: Privacy
}

export type DatasetOrigin =
  /** Undefined: the newest. */
  | { readonly kind: 'snapshot'; readonly snapshot: number | undefined }
  /** A run's number or a time, as `stoker rebuild --as-of` takes it. */
  | { readonly kind: 'as-of'; readonly when: string }
  /** Absolute path of a folder that `stoker rebuild --as-of` wrote. */
  | { readonly kind: 'folder'; readonly folder: string }

export type ParameterValue = string | number | boolean | readonly string[] | readonly number[]

export interface DatasetCohort extends DatasetSelect {
  /** Where it is a cohort with a header, which can be run by itself. */
  readonly definition?: DefinedCohort
}

export interface DefinedCohort {
  readonly name: string
  /** Without its folder. */
  readonly file: string
  readonly title: string
  readonly description: string
  readonly simplified: string | undefined
  readonly codes: readonly CohortCode[]
  /** With the values that it is run with. */
  readonly parameters: readonly CohortParameter[]
  /** The SELECT as it is written in the file. */
  readonly written: string
  /** Of the SELECT and the values: the hash that `stoker cohort` tells, where they are the defaults. */
  readonly sha256: string
}

/** One SELECT of the definition. */
export interface DatasetSelect {
  /** Where it stands in the definition: `features[2]`. */
  readonly path: string
  readonly description: string | undefined
  readonly sql: string
  /** Where a byte of the SQL's UTF-8 text stands; without one, where the SQL begins. */
  readonly place: (byte?: number) => Place
  /** Of its own parameters. With them it sees none of the data set's. */
  readonly values?: Readonly<Record<string, CohortValue>>
}

/**
 * Its SELECT gives `patient_key`, `at` (when its values were known) and values, and either `index_date` (one row for each
 * row of the cohort), or events, which are taken together within a window.
 */
export interface FeatureDefinition extends DatasetSelect {
  readonly name: string
  /** Days relative to the index date, both counted in; undefined: all before it. */
  readonly window: FeatureWindow | undefined
  /** How the events of a window become one value; empty where it gives rows of the cohort. */
  readonly take: readonly Take[]
}

export interface FeatureWindow {
  /** Undefined: since ever. */
  readonly fromDay: number | undefined
  /** Never above 0. */
  readonly toDay: number
}

export const TAKES = ['last', 'first', 'min', 'max', 'mean', 'sum', 'count', 'exists'] as const
export type Take = (typeof TAKES)[number]

export const SPLITS = ['train', 'validation', 'test'] as const
export type SplitName = (typeof SPLITS)[number]

export interface Split {
  /** In percent; together 100. */
  readonly shares: Readonly<Record<SplitName, number>>
  readonly salt: string
}

export interface Privacy {
  /** For pseudonyms and shifts; undefined where there are neither. */
  readonly key: Buffer | undefined
  readonly pseudonyms: boolean
  /** A patient's dates are shifted by 1 to so many days, to the one side or the other; 0: by none. */
  readonly shiftDays: number
}

/** So that a patient falls into the same split of all data sets that don't ask for another. */
export const SALT_DEFAULT = 'stoker'
export const SHARES_DEFAULT: Split['shares'] = { train: 70, validation: 15, test: 15 }

/** Of all that makes the rows, save the tables they come from and the key: not of comments in the YAML, nor of its layout. */
export function definitionHash(definition: DatasetDefinition): string {
  const { name, description, parameters, cohort, label, features, split, privacy } = definition
  const select = (each: DatasetSelect) => [
    each.description ?? null,
    each.sql,
    ...(each.values === undefined ? [] : [Object.entries(each.values).sort(([a], [b]) => (a < b ? -1 : 1))]),
  ]
  const whole = [
    [name, description ?? null],
    Object.entries(parameters).sort(([a], [b]) => (a < b ? -1 : 1)),
    [select(cohort), select(label)],
    features.map((each) => [each.name, ...select(each), each.window?.fromDay ?? null, each.window?.toDay, each.take]),
    [SPLITS.map((each) => split.shares[each]), split.salt],
    [privacy.pseudonyms, privacy.shiftDays],
  ]
  return createHash('sha256').update(JSON.stringify(whole)).digest('hex')
}
