/** Reads a ViewDefinition's JSON piece by piece: a piece with a mistake is left out, and the mistake is kept. */
import { nearestName } from '../core/nearest-name.ts'
import type { Mistakes } from './mistakes.ts'
import { ViewError } from './view-error.ts'

export type Json = Readonly<Record<string, unknown>>

const EVERYWHERE = ['id', 'extension', 'modifierExtension', 'fhir_comments']
const SQL_NAME = /^[A-Za-z][A-Za-z0-9_]*$/

export class DefinitionJson {
  readonly mistakes: Mistakes

  constructor(mistakes: Mistakes) {
    this.mistakes = mistakes
  }

  object(json: unknown, at: string): Json {
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Json
    throw wrong(at, 'must be an object')
  }

  list(owner: Json, key: string, at: string): readonly unknown[] {
    const value = owner[key]
    if (value === undefined) return []
    if (Array.isArray(value)) return value
    throw wrong(join(at, key), 'must be a list')
  }

  /** What `read` makes of each item of a list. */
  each<T>(owner: Json, key: string, at: string, read: (json: unknown, at: string) => T): T[] {
    const items = this.mistakes.attempt({}, () => this.list(owner, key, at), [])
    return items.flatMap((item, place) =>
      this.mistakes.attempt({}, () => [read(item, `${join(at, key)}[${place}]`)], [] as T[]),
    )
  }

  text(owner: Json, key: string, at: string): string {
    const value = this.optionalText(owner, key, at)
    if (value === undefined) throw wrong(join(at, key), 'is missing')
    return value
  }

  optionalText(owner: Json, key: string, at: string): string | undefined {
    const value = owner[key]
    if (value === undefined || (typeof value === 'string' && value !== '')) return value
    throw wrong(join(at, key), 'must be text')
  }

  /** A name that every database takes (the specification's sql-name). */
  sqlName(owner: Json, at: string): string {
    return checkSqlName(this.text(owner, 'name', at), join(at, 'name'))
  }

  optionalSqlName(owner: Json): string | undefined {
    const name = this.optionalText(owner, 'name', '')
    return name === undefined ? undefined : checkSqlName(name, 'name')
  }

  /** Keeps a mistake for every key that is not known: a misspelt one would be passed over in silence. */
  checkKeys(owner: Json, known: readonly string[], at: string): void {
    for (const key of Object.keys(owner)) {
      if (known.includes(key) || EVERYWHERE.includes(key) || key.startsWith('_')) continue
      const nearest = nearestName(key, known)
      const hint = nearest && `did you mean ${nearest}?`
      this.mistakes.add(
        new ViewError('VIEW_INVALID', `there is no ${key} here`, at === '' ? { path: key } : { path: at }, hint),
      )
    }
  }
}

function join(at: string, key: string): string {
  return at === '' ? key : `${at}.${key}`
}

export function wrong(at: string, problem: string): ViewError {
  return new ViewError('VIEW_INVALID', at === '' ? `a view ${problem}` : problem, at === '' ? {} : { path: at })
}

function checkSqlName(name: string, at: string): string {
  if (!SQL_NAME.test(name)) throw wrong(at, 'must be letters, digits and _, a letter first')
  return name
}
