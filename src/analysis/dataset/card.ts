/** A data set's card: what it is, what it was made from and by, what is in it, and how to make it again. No time of day. */
import { createHash } from 'node:crypto'
import type { CohortParameter } from '../cohort/definition.ts'
import type { BoundDataset } from './binding.ts'
import { INDEX, KEY } from './columns.ts'
import type { CohortSize } from './cohort-table.ts'
import {
  definitionHash,
  SALT_DEFAULT,
  SPLITS,
  type DatasetDefinition,
  type DatasetSelect,
  type DefinedCohort,
  type FeatureDefinition,
  type ParameterValue,
  type Take,
} from './definition.ts'
import type { DatasetFile } from './files.ts'
import type { OpenOrigin, OriginFacts, OriginWatermark } from './origin.ts'
import { keyFingerprint } from './pseudonym.ts'
import { mapSplits, type BySplit, type Statistics } from './statistics.ts'

/** `card.json`; keys in snake_case, as in all that Stoker writes for programs. */
export interface DatasetCard {
  readonly name: string
  readonly description: string | null
  readonly made_by: { readonly stoker: string; readonly duckdb: string }
  readonly definition: {
    readonly file: string
    readonly sha256: string
    readonly cohort: string | null
    readonly label: string | null
    /** The cohort's definition, where it is one with a header. */
    readonly cohort_definition: CardCohort | null
    readonly features: readonly CardFeature[]
    /** By their places; null where keys are pseudonyms or dates are shifted: they may have keys and dates in them. */
    readonly selects: readonly { readonly path: string; readonly sql: string }[] | null
    /** Only their names where keys are pseudonyms or dates are shifted: they may be keys and dates. */
    readonly parameters: Readonly<Record<string, ParameterValue>> | readonly string[]
  }
  readonly from: OriginFacts
  /** The runs that brought the rows of the tables that were read. */
  readonly runs: readonly CardRuns[]
  readonly tables: readonly CardTable[]
  /** Of the types of these tables; null as of a past run. */
  readonly watermarks: readonly OriginWatermark[] | null
  readonly data_until: string
  readonly options: CardOptions
  readonly rows: { readonly cohort: CohortSize; readonly without_label: number; readonly written: number }
  readonly splits: BySplit<{ readonly rows: number; readonly patients: number }>
  readonly labels: Statistics['labels']
  readonly columns: readonly CardColumn[]
  readonly files: readonly DatasetFile[]
  /** Commands. */
  readonly again: readonly string[]
}

interface CardCohort {
  readonly name: string
  readonly file: string
  readonly title: string
  readonly description: string
  readonly simplified: string | null
  readonly codes: DefinedCohort['codes']
  /** Without values where keys are pseudonyms or dates are shifted. */
  readonly parameters: readonly CardParameter[]
  /** Null where the values are not told, since the hash would confirm a guess. */
  readonly sha256: string | null
}

type CardParameter = Omit<CohortParameter, 'value'> & { readonly value?: CohortParameter['value'] }

interface CardFeature {
  readonly name: string
  readonly window: { readonly from_day: number | null; readonly to_day: number } | null
  readonly take: readonly Take[]
}

export interface CardRuns {
  readonly source: string
  readonly runs: number
  readonly first_run: number
  readonly last_run: number
}

interface CardTable {
  readonly name: string
  readonly resource: string | null
  readonly view_hash: string | null
  readonly rows: number | null
  /** Of the sums of its files, one a line. */
  readonly files_sha256: string | null
}

interface CardOptions {
  readonly split: { readonly shares: BySplit<number>; readonly salt: string | null; readonly by: string }
  readonly pseudonyms: boolean
  readonly shift_days: number
  readonly key_fingerprint: string | null
}

interface CardColumn {
  readonly name: string
  readonly type: string
  readonly role: string
  readonly feature: string | null
  readonly description: string | null
  readonly missing: BySplit<number>
  /** Of all rows, from 0 to 1. */
  readonly missing_share: number
  readonly min: number | string | boolean | null
  readonly max: number | string | boolean | null
}

export interface CardInput {
  readonly definition: DatasetDefinition
  readonly bound: BoundDataset
  readonly origin: OpenOrigin
  readonly runs: readonly CardRuns[]
  readonly tables: readonly string[]
  readonly dataUntil: Date
  readonly cohort: CohortSize
  readonly withoutLabel: number
  readonly statistics: Statistics
  readonly files: readonly DatasetFile[]
  readonly stokerVersion: string
  readonly duckdbVersion: string
}

export function datasetCard(input: CardInput): DatasetCard {
  const { definition, bound, origin, statistics, cohort, withoutLabel } = input
  const { privacy, split, parameters } = definition
  const isGuarded = privacy.pseudonyms || privacy.shiftDays > 0
  const types = new Set(input.tables.map((name) => origin.manifest.get(name)?.resource))
  const written = cohort.rows - withoutLabel
  return {
    name: definition.name,
    description: definition.description ?? null,
    made_by: { stoker: input.stokerVersion, duckdb: input.duckdbVersion },
    definition: {
      file: definition.file,
      sha256: definitionHash(definition),
      cohort: definition.cohort.description ?? null,
      label: definition.label.description ?? null,
      cohort_definition: cardCohort(definition.cohort.definition, isGuarded),
      features: definition.features.map(cardFeature),
      selects: isGuarded ? null : cardSelects(definition),
      parameters: isGuarded ? Object.keys(parameters).sort() : parameters,
    },
    from: origin.facts,
    runs: input.runs,
    tables: input.tables.map((name) => cardTable(origin, name)),
    watermarks: origin.watermarks?.filter(({ type }) => types.has(type)) ?? null,
    data_until: input.dataUntil.toISOString(),
    options: {
      split: {
        shares: split.shares,
        // Of a salt that is somebody's own, nothing is told to those from whom the keys are hidden.
        salt: isGuarded && split.salt !== SALT_DEFAULT ? null : split.salt,
        by: `SHA-256 of salt, line feed and ${KEY}`,
      },
      pseudonyms: privacy.pseudonyms,
      shift_days: privacy.shiftDays,
      key_fingerprint: privacy.key === undefined ? null : keyFingerprint(privacy.key),
    },
    rows: { cohort, without_label: withoutLabel, written },
    splits: statistics.splits,
    labels: statistics.labels,
    columns: bound.columns.map((column, i) => {
      const { missing, min, max } = statistics.columns[i]!
      const absent = SPLITS.reduce((sum, name) => sum + missing[name], 0)
      return {
        name: column.name,
        type: column.type,
        role: column.role,
        feature: column.feature ?? null,
        description: descriptionOf(column.name, privacy) ?? column.description ?? null,
        missing: mapSplits((name) => missing[name]),
        missing_share: written === 0 ? 0 : Number((absent / written).toFixed(4)),
        min,
        max,
      }
    }),
    files: input.files,
    again: commands(definition.file, origin.facts, input.dataUntil),
  }
}

function cardCohort(definition: DefinedCohort | undefined, isGuarded: boolean): CardCohort | null {
  if (definition === undefined) return null
  const { name, file, title, description, simplified = null, codes, parameters, sha256 } = definition
  const told = isGuarded ? parameters.map(({ value: _, ...each }): CardParameter => each) : parameters
  return { name, file, title, description, simplified, codes, parameters: told, sha256: isGuarded ? null : sha256 }
}

function cardFeature({ name, window, take }: FeatureDefinition): CardFeature {
  return {
    name,
    window: window === undefined ? null : { from_day: window.fromDay ?? null, to_day: window.toDay },
    take,
  }
}

function cardSelects({ cohort, label, features }: DatasetDefinition): { path: string; sql: string }[] {
  const written = (each: DatasetSelect) => ({ path: each.path, sql: each.sql.trim() })
  const first = { path: cohort.path, sql: cohort.definition?.written.trim() ?? cohort.sql.trim() }
  return [first, written(label), ...features.map((each) => ({ path: each.name, sql: each.sql.trim() }))]
}

function descriptionOf(name: string, { pseudonyms, shiftDays }: DatasetDefinition['privacy']): string | undefined {
  const shifted = shiftDays > 0 ? '; shifted, as all dates of the patient are, by the same days' : ''
  if (name === INDEX) return `When the forecast is made${shifted}.`
  if (name !== KEY) return undefined
  return pseudonyms
    ? 'Pseudonym of the patient: HMAC-SHA-256 of the key in the lake.'
    : 'Key of the patient in the lake.'
}

function cardTable({ manifest }: OpenOrigin, name: string): CardTable {
  const table = manifest.get(name)
  if (table === undefined) return { name, resource: null, view_hash: null, rows: null, files_sha256: null }
  const sums = table.files.map(({ sha256 }) => `${sha256}\n`).join('')
  const { resource, view_hash, rows } = table
  return { name, resource, view_hash, rows, files_sha256: createHash('sha256').update(sums).digest('hex') }
}

/** Past tables do not know their watermarks: they are told. */
function commands(file: string, facts: OriginFacts, dataUntil: Date): string[] {
  const build = `stoker dataset build ${file} --to FOLDER`
  const asOf = facts.run === null ? [] : [`${build} --as-of ${facts.run} --data-until ${dataUntil.toISOString()}`]
  return facts.kind === 'snapshot' ? [`${build} --snapshot ${facts.snapshot}`, ...asOf] : asOf
}
