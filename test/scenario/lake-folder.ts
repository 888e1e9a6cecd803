/** Where the lakes of tests lie: in memory, where there is room for them. */
import { readdirSync, rmSync, statfsSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A killed process needs no disk, its machine goes on; on one, each durable step waits for it, half of a run's time. */
const IN_MEMORY = '/dev/shm'
/** What the lakes of one moment take is a tenth of it; and a run needs some free (`minimumFreeDisk`). In a container there may be 64 MB. */
const ROOM_BYTES = 4 * 1024 ** 3

const made: string[] = []

// Tests that were killed could remove nothing, and a machine keeps what lies in memory until it starts again.
removeOrphans()
// Nor do those that are stopped in their midst come to the end where each removes its own.
process.on('exit', () => made.forEach(remove))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

/** @returns the path of a new folder whose name begins so; it is gone with this process, if not before */
export async function makeLakeFolder(name: string): Promise<string> {
  const folder = await mkdtemp(join(hasRoom() ? IN_MEMORY : tmpdir(), `${name}${process.pid}-`))
  made.push(folder)
  return folder
}

function hasRoom(): boolean {
  try {
    const { bavail, bsize } = statfsSync(IN_MEMORY)
    return bavail * bsize >= ROOM_BYTES
  } catch {
    return false
  }
}

function removeOrphans(): void {
  for (const parent of [IN_MEMORY, tmpdir()]) {
    for (const name of namesIn(parent)) {
      const pid = /^stoker-[a-z-]+-(\d+)-\w{6}$/.exec(name)?.[1]
      if (pid !== undefined && !isAlive(Number(pid))) remove(join(parent, name))
    }
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // Somebody else's is alive too.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Somebody may still write into it, or have removed it: then it waits for the next tests. */
function remove(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true })
  } catch {
    return
  }
}
