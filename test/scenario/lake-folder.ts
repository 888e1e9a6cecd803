/** Where the lakes of tests lie: in memory, where there is room for them. */
import { statfsSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A killed process needs no disk, its machine goes on; on one, each durable step waits for it, half of a run's time. */
const IN_MEMORY = '/dev/shm'
/** What the lakes of one moment take is a tenth of it; and a run needs some free (`minimumFreeDisk`). In a container there may be 64 MB. */
const ROOM_BYTES = 4 * 1024 ** 3

/** @returns the path of a new folder whose name begins so */
export function makeLakeFolder(name: string): Promise<string> {
  return mkdtemp(join(hasRoom() ? IN_MEMORY : tmpdir(), name))
}

function hasRoom(): boolean {
  try {
    const { bavail, bsize } = statfsSync(IN_MEMORY)
    return bavail * bsize >= ROOM_BYTES
  } catch {
    return false
  }
}
