/** `http.json` in the lake: where its worker is to be asked, and with which token. For the worker's own user alone. */
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeWhole } from '../core/durable.ts'
import { fateOf, isMark, ownMark, type ProcessMark } from '../store/process-mark.ts'
import type { Lake } from '../warehouse/lake.ts'

export interface HttpAddress extends ProcessMark {
  /** As this machine reaches it. */
  readonly url: string
  readonly token: string
}

/** An interruption leaves the old file or the new one. */
export async function writeAddress(lake: Lake, address: Pick<HttpAddress, 'url' | 'token'>): Promise<void> {
  await writeWhole(pathIn(lake), `${JSON.stringify({ ...address, ...ownMark() }, null, 2)}\n`)
}

/** Unless another worker has written its own. */
export async function removeAddress(lake: Lake, token: string): Promise<void> {
  const found = await read(pathIn(lake))
  if (found?.token === token && found.pid === process.pid) await rm(pathIn(lake), { force: true })
}

/**
 * Of a worker that lives. Undefined where there is none, where this user may not know, and where the file is of another host
 * or container, in which its address means another machine: nobody else is shown the token.
 */
export async function readAddress(lake: Lake): Promise<HttpAddress | undefined> {
  const found = await read(pathIn(lake))
  return found !== undefined && fateOf(found) === 'lives' ? found : undefined
}

function pathIn(lake: Lake): string {
  return join(lake.root, 'http.json')
}

async function read(path: string): Promise<HttpAddress | undefined> {
  try {
    const found = JSON.parse(await readFile(path, 'utf8')) as Partial<HttpAddress>
    const { url, token } = found
    const isWhole = typeof url === 'string' && typeof token === 'string' && URL.canParse(url) && isMark(found)
    return isWhole ? (found as HttpAddress) : undefined
  } catch {
    return undefined
  }
}
