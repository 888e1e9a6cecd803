/** Rejects' texts: a line that could not be used may hold anything of whom is purged. */
import { createReadStream } from 'node:fs'
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import split2 from 'split2'
import { FILE_MODE, settle } from '../../core/durable.ts'
import type { Session } from '../../store/session.ts'
import type { Lake } from '../lake.ts'
import { wordPattern, type PurgeSubject } from './subject.ts'

/** Whether a text may be of what is purged. */
export type Suspicion = (text: string) => boolean

/**
 * A text that has the id of the patient or resource as a word, or the id of anything of theirs where an id or a reference
 * stands.
 */
export async function suspicion(session: Session, purge: number, subject: PurgeSubject): Promise<Suspicion> {
  if (subject.kind === 'source') return () => true
  const word = new RegExp(wordPattern(subject.id))
  const keys = await session.rows<{ id: string }>('SELECT DISTINCT id FROM stoker.purge_key WHERE purge = $1', [purge])
  const ids = new Set(keys.map((key) => key.id))
  return (text) =>
    word.test(text) || (text.match(PLACES) ?? []).some((place) => ids.has(place.slice(1).replace(/"$/, '')))
}

/** `"id"` or `/id`. */
const PLACES = /"[A-Za-z0-9._:~-]{1,256}"|\/[A-Za-z0-9._:~-]{1,256}/g

/** Files of rejects of a source, absolute. */
export async function rejectFiles(lake: Lake, source: string): Promise<string[]> {
  const root = lake.path(join('raw', source))
  const names = await readdir(root, { recursive: true }).catch(() => [])
  return names.filter((name) => name.endsWith('.rejects.ndjson')).map((name) => join(root, name))
}

/** How many texts of a file are suspect. */
export async function countSuspects(path: string, isSuspect: Suspicion): Promise<number> {
  let count = 0
  for await (const line of linesOf(path)) if (isSuspect(textOf(line))) count += 1
  return count
}

/**
 * Takes the texts that are suspect out of the files; place and reason stay, as the ledger has them.
 * @returns how many went
 */
export async function removeTexts(lake: Lake, source: string, isSuspect: Suspicion): Promise<number> {
  let gone = 0
  for (const path of await rejectFiles(lake, source)) {
    const count = await countSuspects(path, isSuspect)
    if (count === 0) continue
    gone += count
    const out = await open(`${path}.part`, 'w', FILE_MODE)
    try {
      for await (const line of linesOf(path)) {
        const kept = isSuspect(textOf(line)) ? JSON.stringify({ ...(JSON.parse(line) as object), text: '' }) : line
        await out.write(`${kept}\n`)
      }
    } finally {
      await out.close()
    }
    await settle(`${path}.part`, path)
  }
  return gone
}

async function* linesOf(path: string): AsyncGenerator<string> {
  for await (const line of createReadStream(path, 'utf8').pipe(split2('\n')) as AsyncIterable<string>) {
    if (line !== '') yield line
  }
}

function textOf(line: string): string {
  return (JSON.parse(line) as { text?: string }).text ?? ''
}
