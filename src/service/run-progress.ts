/** How far a run is, folded from what it tells. Pure. */
import type { RunEvent } from '../worker/events.ts'
import type { RunProgress, RunStep } from './control.ts'

/** A run's progress, with what it takes to go on counting. */
export interface RunFold {
  readonly progress: RunProgress
  /** Bytes and lines so far of files on their way, by number. */
  readonly underWay: ReadonlyMap<number, Amount>
  /** Of files that landed. */
  readonly landed: Amount
}

interface Amount {
  readonly bytes: number
  readonly lines: number
}

const NOTHING: Amount = { bytes: 0, lines: 0 }

/** Of a run that has its place. */
const WORK: ReadonlySet<RunEvent['kind']> = new Set(['downloading', 'fetching', 'landed', 'merging', 'publishing'])

/** Of a run that began before anybody looked, undefined stays undefined until one starts. */
export function foldRun(fold: RunFold | undefined, event: RunEvent, now: Date): RunFold | undefined {
  if (event.kind === 'started') return begun(event, now)
  if (fold === undefined || fold.progress.run !== event.run) return fold
  const { progress } = fold
  const passed = progress.delayed !== undefined && progress.delayed.untilAt <= now
  const changed = {
    ...(passed && { delayed: undefined }),
    ...(progress.queuedAt !== undefined && WORK.has(event.kind) && { queuedAt: undefined }),
  }
  const isSame = Object.keys(changed).length === 0
  return after(isSame ? fold : { ...fold, progress: { ...progress, ...changed } }, event, now)
}

function begun({ run, mode, resumed }: RunEvent & { kind: 'started' }, now: Date): RunFold {
  return {
    progress: {
      ...{ run, mode, resumed, startedAt: now, step: 'asking', stepAt: now },
      ...{ files: undefined, bytes: 0, lines: 0, resources: 0, rejects: 0 },
      ...{ percentDone: undefined, delayed: undefined, tables: undefined },
    },
    underWay: new Map(),
    landed: NOTHING,
  }
}

function after(fold: RunFold, event: Exclude<RunEvent, { kind: 'started' }>, now: Date): RunFold {
  const { progress } = fold
  const change = (changed: Partial<RunProgress>): RunFold => ({ ...fold, progress: { ...progress, ...changed } })
  switch (event.kind) {
    case 'requested':
      return step(fold, whileWaiting(progress), now)
    case 'waiting':
      return step(change({ percentDone: event.percentDone }), whileWaiting(progress), now)
    case 'delayed':
      return change({ delayed: { code: event.code, untilAt: new Date(now.getTime() + event.ms) } })
    case 'queued':
      return change({ queuedAt: progress.queuedAt ?? now })
    case 'gathering': {
      const { landed = 0, lost = 0, of = 0 } = progress.files ?? {}
      const files = { landed: landed + event.before, lost, of: of + event.before + event.files }
      const next = change({ files })
      return step(next, whileWaiting(next.progress), now)
    }
    case 'fetching':
      return counted(
        fold,
        new Map(fold.underWay).set(event.file, { bytes: event.bytes, lines: event.lines }),
        fold.landed,
      )
    case 'landed': {
      const lines = fold.underWay.get(event.file)?.lines ?? event.resources + event.rejects
      const landed = { bytes: fold.landed.bytes + event.bytes, lines: fold.landed.lines + lines }
      const { resources, rejects } = progress
      const next = counted(fileOut(fold, 'landed'), without(fold.underWay, event.file), landed)
      const counts = { resources: resources + event.resources, rejects: rejects + event.rejects }
      return { ...next, progress: { ...next.progress, ...counts } }
    }
    case 'lost':
      return counted(fileOut(fold, 'lost'), without(fold.underWay, event.file), fold.landed)
    case 'merging':
      return step(change({ tables: { done: event.done, of: event.of, now: event.table } }), 'merging', now)
    case 'publishing':
      return step(change({ tables: undefined }), 'publishing', now)
    case 'listed':
    case 'complete':
    case 'refused':
    case 'downloading':
    case 'downloaded':
    case 'interrupted':
    case 'gathered':
    case 'committed':
    case 'published':
    case 'finding':
    case 'note':
    case 'failed':
    case 'cancelled':
    case 'done':
      return fold
  }
}

/** Files of one export are on their way while another export is waited for. */
function whileWaiting({ files }: RunProgress): RunStep {
  return files !== undefined && files.landed + files.lost < files.of ? 'gathering' : 'waiting'
}

function step(fold: RunFold, to: RunStep, now: Date): RunFold {
  return fold.progress.step === to ? fold : { ...fold, progress: { ...fold.progress, step: to, stepAt: now } }
}

function fileOut(fold: RunFold, how: 'landed' | 'lost'): RunFold {
  const { files = { landed: 0, lost: 0, of: 0 } } = fold.progress
  return { ...fold, progress: { ...fold.progress, files: { ...files, [how]: files[how] + 1 } } }
}

function counted(fold: RunFold, underWay: ReadonlyMap<number, Amount>, landed: Amount): RunFold {
  let { bytes, lines } = landed
  for (const each of underWay.values()) {
    bytes += each.bytes
    lines += each.lines
  }
  return { progress: { ...fold.progress, bytes, lines }, underWay, landed }
}

function without(underWay: ReadonlyMap<number, Amount>, file: number): ReadonlyMap<number, Amount> {
  const left = new Map(underWay)
  left.delete(file)
  return left
}
