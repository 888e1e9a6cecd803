/**
 * Names of generated tables and columns: the way to the element in the JSON, in snake_case. `Patient.maritalStatus`
 * gives `marital_status_code`, `Patient.contact.name` the table `patient_contact` its columns `name_family` …
 *
 * - Of a value with parts, each part stands behind: `period_start`, `marital_status_system`. A part that the element's
 *   name ends with is not said again: the code of `vaccineCode` is `vaccine_code`. `dateTime` is one word, `datetime`.
 * - A name that SQL reserves, or that another column of the table has, gets the table's last noun in front:
 *   `order` of Coverage is `coverage_order`. A table's name that SQL reserves ends in `_resource`.
 * - A name has at most 63 characters, PostgreSQL's limit, a table's with `_coding` behind it. A longer one has the
 *   initials of the resource's type (`eob_…`), and if need be loses words in the middle.
 */

const NAME_CHARACTERS_MAX = 63

const CODING_SUFFIX = '_coding'

/** Reserved in SQL:2016, DuckDB or PostgreSQL, among what FHIR's elements and resources are called. */
const RESERVED = new Set(
  (
    'all and any array as asc between binary both case cast check collate collation column constraint create cross ' +
    'current default desc describe distinct do else end except exists false fetch filter for foreign freeze from full ' +
    'grant group having in inner intersect interval into is join lateral leading left like limit localtime map natural ' +
    'not null offset on only or order outer over overlaps partition pivot position primary qualify references ' +
    'returning right row rows select show similar some summarize symmetric table then to trailing true union unique ' +
    'user using values variadic when where window with'
  ).split(' '),
)

/** `valueSCT`, `base64Binary`, `onsetDateTime` → `value_sct`, `base64_binary`, `onset_datetime` */
export function snakeCase(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .toLowerCase()
    .replace(/date_time(?=_|$)/g, 'datetime')
}

/** Names one after the other. */
export function joinNames(...names: readonly string[]): string {
  return names.filter((name) => name !== '').join('_')
}

/** The name of an element and of one part of its value, not said again where the element's ends with it. */
export function partName(element: string, part: string): string {
  return element === part || element.endsWith(`_${part}`) ? element : joinNames(element, part)
}

/** Of the table for rows at `path` (snake_case names of elements) of a resource type; with `_coding`, still a name. */
export function tableName(type: string, path: readonly string[]): string {
  const whole = joinNames(snakeCase(type), ...path)
  if (RESERVED.has(whole)) return `${whole}_resource`
  const charactersMax = NAME_CHARACTERS_MAX - CODING_SUFFIX.length
  if (whole.length <= charactersMax) return whole
  const initials = snakeCase(type)
    .split('_')
    .map((word) => word[0]!)
    .join('')
  return shortened(joinNames(initials, ...path), charactersMax)
}

/** What the table of all codings of a table's concepts is called. */
export function codingTableName(table: string): string {
  return `${table}${CODING_SUFFIX}`
}

/** Gives each column of one table a name of its own. */
export class ColumnNames {
  private readonly noun: string
  private readonly taken = new Set<string>()

  /** @param noun the table's last noun: the element its rows are of, or the resource's type */
  constructor(noun: string) {
    this.noun = noun
  }

  add(wanted: string): string {
    const name = this.free(shortened(wanted))
    this.taken.add(name)
    return name
  }

  private free(wanted: string): string {
    if (this.isFree(wanted)) return wanted
    const longer = shortened(`${this.noun}_${wanted}`)
    if (this.isFree(longer)) return longer
    let number = 2
    while (!this.isFree(shortened(`${longer}_${number}`))) number += 1
    return shortened(`${longer}_${number}`)
  }

  private isFree(name: string): boolean {
    return !this.taken.has(name) && !RESERVED.has(name)
  }
}

/** Without the word in the middle, until it fits. */
function shortened(name: string, charactersMax = NAME_CHARACTERS_MAX): string {
  if (name.length <= charactersMax) return name
  const words = name.split('_')
  return shortened(words.toSpliced(Math.floor(words.length / 2), 1).join('_'), charactersMax)
}
