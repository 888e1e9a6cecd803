/** Leases: which snapshots are being read, told by files that readers put into the lake while they live. */
import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FOLDER_MODE } from '../../core/durable.ts'
import { fateOf, isMark, ownMark, type ProcessMark } from '../../store/process-mark.ts'
import type { Lake } from '../lake.ts'

interface LeaseContent extends ProcessMark {
  readonly snapshot: number
}

/** A process of another host or container can't be asked whether it lives: its lease counts for so long. */
const FOREIGN_LEASE_MS = 24 * 3600_000

/** Holds no data of patients; the worker must be able to read it, whoever wrote it. */
const LEASE_MODE = 0o644

export class Lease {
  private readonly path: string

  private constructor(path: string) {
    this.path = path
  }

  /** Undefined for a reader that may not write to the lake: then `snapshots.days` alone protects what it reads. */
  static async take(lake: Lake, snapshot: number): Promise<Lease | undefined> {
    const path = join(lake.readers, `${process.pid}-${randomBytes(6).toString('hex')}.json`)
    const content: LeaseContent = { snapshot, ...ownMark() }
    try {
      await mkdir(lake.readers, { mode: FOLDER_MODE }).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error
      })
      await writeFile(`${path}.part`, JSON.stringify(content), { mode: LEASE_MODE, flag: 'wx' })
      await rename(`${path}.part`, path)
      return new Lease(path)
    } catch {
      return undefined
    }
  }

  async release(): Promise<void> {
    await rm(this.path, { force: true })
  }
}

/** The snapshots that a living process reads. Leases of those that are gone are removed. */
export async function leasedSnapshots(lake: Lake, now: Date): Promise<Set<number>> {
  const held = new Set<number>()
  for (const name of await readdir(lake.readers).catch(() => [])) {
    const path = join(lake.readers, name)
    try {
      const written = (await stat(path)).mtimeMs
      const lease = name.endsWith('.json') ? readLease(await readFile(path, 'utf8')) : undefined
      const isOld = now.getTime() - written > FOREIGN_LEASE_MS
      const fate = lease === undefined ? 'elsewhere' : fateOf(lease)
      const isLive = fate === 'elsewhere' ? !isOld : fate === 'lives'
      if (lease !== undefined && isLive) held.add(lease.snapshot)
      else if (lease !== undefined || isOld) await rm(path, { force: true })
    } catch {
      // Released just now.
    }
  }
  return held
}

function readLease(text: string): LeaseContent | undefined {
  try {
    const lease = JSON.parse(text) as LeaseContent
    return Number.isInteger(lease.snapshot) && isMark(lease) ? lease : undefined
  } catch {
    return undefined
  }
}
