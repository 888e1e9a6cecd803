/** The ids that a lake, its runs and its exports have for others: the same for ever, and those of no other lake. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder, writeWhole } from '../core/durable.ts'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

export class Identity {
  private readonly lakeId: string

  constructor(lakeId: string) {
    this.lakeId = lakeId
  }

  /** A run that is gone on with by another process keeps it. */
  run(run: number): string {
    return nameBased(this.lakeId, `run/${run}`)
  }

  export(id: number): string {
    return nameBased(this.lakeId, `export/${id}`)
  }
}

/**
 * Of the lake whose reports lie in `folder`. Its id is made once and stays in it: a path would be another one when the
 * lake moves, and in containers the same for two lakes.
 * @param makeId a random UUID
 */
export async function identityOf(folder: string, makeId: () => string): Promise<Identity> {
  const path = join(folder, 'lake-id')
  const known = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  if (UUID.test(known.trim())) return new Identity(known.trim())
  const id = makeId()
  await makeFolder(folder)
  await writeWhole(path, `${id}\n`)
  return new Identity(id)
}

/** RFC 9562 §5.5: a UUID of version 5. */
function nameBased(space: string, name: string): string {
  const hash = createHash('sha1')
    .update(Buffer.from(space.replaceAll('-', ''), 'hex'))
    .update(name)
    .digest()
  hash[6] = (hash[6]! & 0x0f) | 0x50
  hash[8] = (hash[8]! & 0x3f) | 0x80
  const hex = hash.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-')
}
