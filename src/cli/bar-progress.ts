/** Progress on a terminal: a bar for the phase, and one for each file that is being fetched. */
import { MultiBar, type SingleBar } from 'cli-progress'
import type { RunEvent, RunObserver } from '../worker/events.ts'
import { delayText } from '../worker/delay-text.ts'
import { findingText } from '../worker/finding-text.ts'
import { bytesText, countText, durationText, plural } from '../core/figures.ts'
import { lostText } from './plain-progress.ts'

export interface BarProgress {
  readonly observe: RunObserver
  /** Takes the bars away; what was noted stays. */
  stop(): void
}

interface Bars {
  readonly whole: SingleBar
  readonly files: Map<number, { bar: SingleBar; startedAt: number }>
  landedFiles: number
  listedFiles: number
  listedLines: number | undefined
  landedLines: number
  landedBytes: number
  startedAt: number
}

export function barProgress(stream: NodeJS.WriteStream, now: () => number): BarProgress {
  const multi = new MultiBar({ stream, hideCursor: true, clearOnComplete: true, format: '{text}', fps: 8, barsize: 24 })
  let bars: Bars | undefined
  const begin = (event: RunEvent): Bars => {
    bars?.whole.stop()
    return {
      whole: multi.create(1, 0, { text: `${event.source}: starting` }),
      files: new Map(),
      landedFiles: 0,
      listedFiles: 0,
      listedLines: 0,
      landedLines: 0,
      landedBytes: 0,
      startedAt: now(),
    }
  }
  return {
    observe(event) {
      if (event.kind === 'started' || bars === undefined) bars = begin(event)
      if (event.kind === 'note') multi.log(`${event.source}: note: ${event.text}\n`)
      else if (event.kind === 'lost') {
        multi.log(`${event.source}: note: ${lostText(event)}\n`)
        show(multi, bars, event, now())
      } else if (event.kind === 'finding') multi.log(`${event.source}: note: ${findingText(event)}\n`)
      else show(multi, bars, event, now())
    },
    stop: () => multi.stop(),
  }
}

function show(multi: MultiBar, bars: Bars, event: RunEvent, at: number): void {
  const say = (text: string) => bars.whole.update(0, { text: `${event.source}: ${text}` })
  switch (event.kind) {
    case 'requested':
      return say('export requested')
    case 'waiting':
      return say(
        `the server is working${event.percentDone === undefined ? '' : `: ${event.percentDone}%`} · ${durationText(event.waitedMs)}`,
      )
    case 'delayed':
      return say(delayText(event))
    case 'listed':
      bars.listedLines =
        event.lines === undefined || bars.listedLines === undefined ? undefined : bars.listedLines + event.lines
      return say(`${plural(event.files, 'file')} listed`)
    case 'gathering':
      if (bars.listedFiles === 0) bars.startedAt = at
      bars.landedFiles += event.before
      bars.listedFiles += event.before + event.files
      // Lines of files that came before are not known: the share is told by files.
      if (event.before > 0) bars.listedLines = undefined
      return
    case 'lost':
      removeFile(multi, bars, event.file)
      bars.landedFiles += 1
      return
    case 'fetching': {
      const { bar, startedAt } = bars.files.get(event.file) ?? { bar: multi.create(1, 0, { text: '' }), startedAt: at }
      bars.files.set(event.file, { bar, startedAt })
      const share = event.claimed ? Math.min(1, event.lines / event.claimed) : undefined
      const text = [
        `  ${event.type.padEnd(24)}`,
        gauge(share),
        bytesText(event.bytes).padStart(8),
        rate(event.bytes, at - startedAt),
        remaining(share, at - startedAt),
      ]
      return bar.update(0, { text: text.join(' ') })
    }
    case 'landed': {
      removeFile(multi, bars, event.file)
      bars.landedFiles += 1
      bars.landedLines += event.resources + event.rejects
      bars.landedBytes += event.bytes
      const share = bars.listedLines
        ? Math.min(1, bars.landedLines / bars.listedLines)
        : bars.landedFiles / Math.max(1, bars.listedFiles)
      const ms = at - bars.startedAt
      return say(
        `files ${countText(bars.landedFiles)}/${countText(bars.listedFiles)} ${gauge(share)} ${countText(bars.landedLines)} resources ${rate(bars.landedBytes, ms)} ${remaining(share, ms)}`,
      )
    }
    case 'merging':
      return say(`merging ${gauge(event.done / Math.max(1, event.of))} ${event.table ?? ''}`)
    case 'committed':
      return say('committed')
    case 'publishing':
      return say('publishing the snapshot')
    case 'published':
      return say(`published snapshot ${event.snapshot}`)
    case 'failed':
      return say(`failed (${event.code})`)
    case 'cancelled':
    case 'complete':
    case 'done':
    case 'downloaded':
    case 'downloading':
    case 'finding':
    case 'gathered':
    case 'interrupted':
    case 'note':
    case 'queued':
    case 'refused':
    case 'started':
      return
  }
}

function removeFile(multi: MultiBar, bars: Bars, file: number): void {
  const shown = bars.files.get(file)
  if (shown !== undefined) multi.remove(shown.bar)
  bars.files.delete(file)
}

const GAUGE_CELLS = 20

function gauge(share: number | undefined): string {
  if (share === undefined) return ''.padEnd(GAUGE_CELLS + 5)
  const full = Math.round(share * GAUGE_CELLS)
  return `${'█'.repeat(full)}${'░'.repeat(GAUGE_CELLS - full)} ${String(Math.floor(share * 100)).padStart(3)}%`
}

function rate(bytes: number, ms: number): string {
  return ms < 200 ? '' : `${bytesText(Math.round((bytes / ms) * 1000))}/s`
}

function remaining(share: number | undefined, ms: number): string {
  return share === undefined || share < 0.02 || share >= 1 || ms < 1000
    ? ''
    : `${durationText((ms / share) * (1 - share))} left`
}
