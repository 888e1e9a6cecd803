/** Compaction of a source's raw log: few larger files, without the lines that nothing needs any more. */
import { stat } from 'node:fs/promises'
import type { DiskGuard } from '../../core/disk-space.ts'
import type { Database } from '../../store/database.ts'
import type { Session } from '../../store/session.ts'
import type { Keeping } from '../keeping.ts'
import type { Lake } from '../lake.ts'
import { removeOrphans } from './orphans.ts'
import { planPacks, type PackPlan } from './pack-plan.ts'
import { writePack } from './pack.ts'
import { bytesOf, groups, keptOf, rawFilesOf, type RawFile } from './raw-files.ts'
import { forgetPast, pastThatGoes } from '../past/forget.ts'
import { droppableShare, findDropped, type Dropped, type DropReason } from './dropped-lines.ts'

export interface CompactInput {
  readonly database: Database
  readonly lake: Lake
  readonly source: string
  readonly keeping: Pick<Keeping, 'rawLog' | 'deletions'>
  readonly disk: DiskGuard
  readonly now: Date
  /** `worth`: only when and where it pays. `thorough`: all that can be done. `count`: what that would be; nothing is changed. */
  readonly how: 'worth' | 'thorough' | 'count'
  readonly signal?: AbortSignal | undefined
}

export interface Compacted {
  readonly source: string
  readonly filesBefore: number
  readonly filesAfter: number
  readonly bytesBefore: number
  readonly bytesAfter: number
  /** Lines that said what another one says of the same resource. */
  readonly repeated: number
  /** Lines that were in force no more, or never. */
  readonly superseded: number
  /** Rows of the index's past that went with them. */
  readonly past: number
  /** Files an interruption had left behind. */
  readonly orphans: number
}

/** So many small files of a source make readers open more files than the data needs. */
const FILES_WORTH_JOINING = 32
/** Where less of the raw log may go, reading all of it to find the lines costs more than they do. */
const SHARE_WORTH_DROPPING = 0.25

/**
 * Only files of runs that are done; a pack at a time, each durable before the next: interrupted, the rest is left to the
 * next time. Undefined where it was not worth it.
 * @throws StokerError DISK_LOW when a pack would leave less free than `minimumFreeDisk`
 */
export async function compactSource(input: CompactInput): Promise<Compacted | undefined> {
  const { database, lake, source, keeping, now, how, signal } = input
  return database.using((session) =>
    session.interruptible(signal, async () => {
      const orphans = how === 'count' ? 0 : await removeOrphans(session, lake, source)
      const before = await rawFilesOf(session, lake, source)
      const thins = how !== 'worth' || (await droppableShare(session, source, keeping, now)) >= SHARE_WORTH_DROPPING
      if (!thins && joinable(before) < FILES_WORTH_JOINING) return undefined
      const past = thins ? await forget(session, input) : 0
      const done = { filesAfter: before.length, bytesAfter: bytesOf(before), repeated: 0, superseded: 0 }
      for (const group of groups(before)) {
        const looks = thins && group[0]!.kind === 'output'
        const dropped = looks ? await findInGroup(session, input, group) : new Map<number, Dropped>()
        const lines = (file: RawFile) => count(dropped, file, 'repeated') + count(dropped, file, 'superseded')
        for (const plan of planPacks(group, lines, how !== 'worth')) {
          const after = how === 'count' ? estimate(plan) : await pack(session, input, plan)
          done.filesAfter += (after === 0 ? 0 : 1) - plan.files.length
          done.bytesAfter += after - bytesOf(plan.files)
          for (const file of plan.files) {
            done.repeated += count(dropped, file, 'repeated')
            done.superseded += count(dropped, file, 'superseded')
          }
        }
        await session.run('DROP TABLE IF EXISTS temp._dropped')
      }
      if (how !== 'count') await removeOrphans(session, lake, source)
      return { source, filesBefore: before.length, bytesBefore: bytesOf(before), ...done, past, orphans }
    }),
  )
}

/** How many files fewer there would be. */
function joinable(files: readonly RawFile[]): number {
  const plans = groups(files).flatMap((group) => planPacks(group, () => 0, false))
  return plans.reduce((fewer, plan) => fewer + plan.files.length - 1, 0)
}

async function forget(session: Session, { database, source, keeping, now, how }: CompactInput): Promise<number> {
  if (how !== 'count') return database.transaction((inside) => forgetPast(inside, source, keeping, now))
  const going = pastThatGoes(source, keeping, now)
  if (going === undefined) return 0
  return (await session.first<{ count: number }>(`SELECT count(*) AS count FROM (${going})`))!.count
}

/** What may go, by file. */
async function findInGroup(session: Session, { lake, source, keeping, now }: CompactInput, group: readonly RawFile[]) {
  const files = group.map(({ path, files }) => ({ path: lake.path(path), files }))
  const dropped = await findDropped(session, source, files, { rule: keeping, now })
  return new Map(dropped.map((each) => [each.file, each]))
}

function count(dropped: ReadonlyMap<number, Dropped>, { files }: RawFile, reason: DropReason): number {
  return files.reduce((sum, file) => sum + (dropped.get(file)?.[reason] ?? 0), 0)
}

function estimate({ files, dropped }: PackPlan): number {
  return Math.round(bytesOf(files) * (1 - dropped / Math.max(1, keptOf(files))))
}

/** @returns the bytes of the new file, 0 where there is none */
async function pack(session: Session, { lake, source, disk }: CompactInput, plan: PackPlan): Promise<number> {
  await disk.require('raw log files that are written anew', bytesOf(plan.files))
  const path = await writePack(session, lake, source, plan)
  return path === undefined ? 0 : (await stat(lake.path(path))).size
}
