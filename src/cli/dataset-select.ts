/** One SELECT of a data set's definition: written in the YAML file, or in a file of its own. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { DatasetSelect } from '../analysis/dataset/definition.ts'
import type { ConfigDocument } from '../app/config-document.ts'
import type { ConfigFields } from '../app/config-fields.ts'
import { placeIn, sqlPlace } from './dataset-sql-place.ts'

export interface Reading {
  /** As the analyst named it. */
  readonly path: string
  /** Absolute: relative paths start here. */
  readonly folder: string
  readonly text: string
  readonly document: ConfigDocument
}

/** @param named a file with the SELECT, where the analyst named one: its text */
export function readSelect(fields: ConfigFields, path: string, reading: Reading, named?: NamedFile): DatasetSelect {
  const description = fields.text('description')?.trim()
  if (named !== undefined) {
    const { file, text } = named
    return { path, description, sql: text, place: (byte = 0) => ({ file, ...placeIn(text, byte) }) }
  }
  const sql = fields.text('sql') ?? ''
  const start = reading.document.place([...fields.path, 'sql'])
  const place = (byte?: number) => ({ file: reading.path, ...sqlPlace(reading.text, start, sql, byte) })
  return { path, description, sql, place }
}

export interface NamedFile {
  /** As the analyst named it. */
  readonly file: string
  readonly text: string
}

/** Of the keys that say where the SELECT is, one must be there. @param keys the first is what is missing where none is */
export function checkKeys(fields: ConfigFields, keys: readonly string[], wayOut: string, isWanted = true): void {
  const [first, second] = keys.filter((key) => fields.has(key))
  if (second !== undefined) fields.mistake(second, `is given beside ${first}`, 'Keep one of the two.')
  if (first === undefined && isWanted && !keys.some((key) => fields.isMeant(key))) fields.missing(keys[0]!, wayOut)
}

/** Undefined where none is named; empty, and told, where it can not be read. */
export async function readNamedFile(fields: ConfigFields, { folder }: Reading): Promise<NamedFile | undefined> {
  const file = fields.text('file')
  if (file === undefined || fields.has('sql')) return undefined
  const text = await readFile(resolve(folder, file), 'utf8').catch(({ code }: NodeJS.ErrnoException) => {
    fields.mistake('file', `there is no file ${file} to read (${code})`, 'Correct the path, relative to this file.')
    return ''
  })
  return { file, text }
}
