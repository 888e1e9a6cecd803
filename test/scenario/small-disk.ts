/** A disk of a chosen size in place of a folder, in a mount namespace of its own: commands run on it, and it may grow. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { ended, MAIN, type Ended } from './harness.ts'

/** Why there can be none here; undefined where there can. */
export function noSmallDisk(): string | undefined {
  const script = 'mount -t tmpfs -o size=1m none /mnt && command -v nsenter'
  const tried = spawnSync('unshare', ['-rm', 'sh', '-c', script], { encoding: 'utf8' })
  if (tried.status === 0) return undefined
  return `no private mount namespace here: ${tried.error?.message ?? tried.stderr.trim()}`
}

export class SmallDisk {
  readonly folder: string
  private readonly holder: number

  private constructor(folder: string, holder: number) {
    this.folder = folder
    this.holder = holder
  }

  static async make(folder: string, bytes: number): Promise<SmallDisk> {
    await mkdir(folder, { recursive: true })
    const script = 'mount -t tmpfs -o size="$2" none "$1" && echo mounted && exec sleep 600'
    const holder = spawn('unshare', ['-rm', 'sh', '-c', script, 'sh', folder, String(bytes)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(holder.stdout, 'data')
    return new SmallDisk(folder, holder.pid!)
  }

  /** The command, run to its end where the folder is this disk. */
  run(cwd: string, ...args: string[]): Promise<Ended> {
    const command = ['sh', '-c', 'cd "$0" && exec "$@"', cwd, process.execPath, MAIN, ...args]
    return ended(spawn('nsenter', [...this.within, ...command], { stdio: ['ignore', 'pipe', 'pipe'] }))
  }

  grow(bytes: number): void {
    this.shell('mount -o remount,size="$2" "$1"', String(bytes))
  }

  usedBytes(): number {
    const [blocks, free, blockBytes] = this.shell('stat -f -c "%b %f %S" "$1"').split(' ').map(Number)
    return (blocks! - free!) * blockBytes!
  }

  /** Paths of its files, relative to the folder. */
  files(): string[] {
    return this.shell('cd "$1" && find . -type f').split('\n').filter(Boolean)
  }

  /** What was on it lies in the folder from now on, for all to see. */
  leave(): void {
    this.shell(
      'mkdir "$1.aside" && cp -a "$1/." "$1.aside" && umount "$1" && cp -a "$1.aside/." "$1" && rm -r "$1.aside"',
    )
  }

  end(): void {
    process.kill(this.holder)
  }

  private shell(script: string, ...args: string[]): string {
    const done = spawnSync('nsenter', [...this.within, 'sh', '-c', script, 'sh', this.folder, ...args], {
      encoding: 'utf8',
    })
    if (done.status !== 0) throw new Error(done.stderr)
    return done.stdout
  }

  private get within(): string[] {
    return ['--target', String(this.holder), '--user', '--mount', '--preserve-credentials']
  }
}
