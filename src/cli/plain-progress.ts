/** Progress as plain lines, for logs and pipes. */
import type { RunEvent, RunObserver } from '../worker/events.ts'
import { delayText } from '../worker/delay-text.ts'
import { findingText } from '../worker/finding-text.ts'
import { bytesText, countText, durationText, plural } from '../core/figures.ts'

/** A run of 20,000 files must not write 20,000 lines: at most one landed file is told in this time. */
const LANDED_EVERY_MS = 1000
/** A merge of 43 tables is seen to go on, without a line for each. */
const MERGING_EVERY_MS = 3000

/** What a line holds in a file of another kind than output. */
const NOUNS: Readonly<Record<string, string>> = { deleted: 'Bundle', error: 'OperationOutcome' }

/** Files of the run that are in the raw log or lost, and all that are known of. */
interface Gathered {
  done: number
  of: number
  toldAt: number
}

export function plainProgress(write: (text: string) => void, now: () => number): RunObserver {
  let gathered: Gathered = { done: 0, of: 0, toldAt: -Infinity }
  let mergingToldAt = -Infinity
  let waited: number | undefined
  return (event) => {
    const say = (text: string | undefined) => text !== undefined && write(`${event.source} run ${event.run}: ${text}\n`)
    switch (event.kind) {
      case 'started':
        gathered = { done: 0, of: 0, toldAt: -Infinity }
        return say(lineFor(event))
      case 'gathering':
        gathered.done += event.before
        gathered.of += event.before + event.files
        return say(event.before === 0 ? undefined : beforeText(event))
      case 'landed':
      case 'lost': {
        gathered.done += 1
        const isTold = gathered.done === gathered.of || gathered.of <= 50 || event.kind === 'lost'
        if (!isTold && now() - gathered.toldAt < LANDED_EVERY_MS) return
        gathered.toldAt = now()
        return say(`${lineFor(event)} (file ${countText(gathered.done)} of ${countText(gathered.of)})`)
      }
      case 'waiting':
        if (event.percentDone !== undefined && event.percentDone === waited) return
        waited = event.percentDone
        return say(lineFor(event))
      case 'merging':
        if (event.table !== undefined && now() - mergingToldAt < MERGING_EVERY_MS) return
        mergingToldAt = now()
        return say(lineFor(event))
      default:
        return say(lineFor(event))
    }
  }
}

function beforeText({ files, before }: { readonly files: number; readonly before: number }): string {
  return `of ${plural(files + before, 'file')} that the server had listed, ${countText(before)} ${before === 1 ? 'was' : 'were'} done before the interruption, ${countText(files)} ${files === 1 ? 'is' : 'are'} left`
}

function lineFor(event: RunEvent): string | undefined {
  switch (event.kind) {
    case 'started':
      return event.resumed ? 'going on with the run an earlier process began' : `started, ${event.mode}`
    case 'requested':
      return `asked for ${plural(event.types.length, 'type')}${event.since === undefined ? '' : ` since ${event.since}`}`
    case 'waiting':
      return `the server is working${event.percentDone === undefined ? '' : `: ${event.percentDone}%`} (${durationText(event.waitedMs)})`
    case 'delayed':
      return delayText(event)
    case 'listed':
      return `the server listed ${plural(event.files, 'file')}${event.lines === undefined ? '' : `, ${plural(event.lines, 'resource')}`}`
    case 'landed': {
      const rejects = event.rejects > 0 ? `, ${plural(event.rejects, 'reject')}` : ''
      return `landed ${event.type}: ${plural(event.resources, NOUNS[event.type] ?? 'resource')}${rejects}, ${bytesText(event.bytes)}`
    }
    case 'lost':
      return `note: ${lostText(event)}`
    case 'merging':
      return event.table === undefined
        ? `merging into ${plural(event.of, 'table')} …`
        : `merging: ${event.table}, table ${countText(event.done + 1)} of ${countText(event.of)}`
    case 'committed':
      return `committed: ${countText(event.inserted)} inserted, ${countText(event.updated)} updated, ${countText(event.deleted)} deleted`
    case 'publishing':
      return 'publishing …'
    case 'published':
      return `published snapshot ${event.snapshot}: ${plural(event.tables, 'table')}, ${countText(event.carriedOver)} of them unchanged`
    case 'finding':
      return `note: ${findingText(event)}`
    case 'note':
      return `note: ${event.text}`
    case 'failed':
      return `failed (${event.code})`
    case 'cancelled':
      return 'cancelled'
    case 'queued':
      return 'the server is ready; as many other runs work as may at once'
    case 'complete':
    case 'done':
    case 'downloaded':
    case 'downloading':
    case 'fetching':
    case 'gathered':
    case 'gathering':
    case 'interrupted':
    case 'refused':
      return undefined
  }
}

export function lostText({
  file,
  type,
  text,
}: {
  readonly file: number
  readonly type: string
  readonly text: string
}): string {
  return `file ${file} (${type}) could not be had: ${text}`
}
