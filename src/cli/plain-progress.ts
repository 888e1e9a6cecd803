/** Progress as plain lines, for logs and pipes. */
import type { RunEvent, RunObserver } from '../worker/events.ts'
import { delayText } from './delay-text.ts'
import { findingText } from './finding-text.ts'
import { bytesText, countText, durationText, plural } from './figures.ts'

/** A run of 20,000 files must not write 20,000 lines: at most one landed file is told in this time. */
const LANDED_EVERY_MS = 1000

/** What a line holds in a file of another kind than output. */
const NOUNS: Readonly<Record<string, string>> = { deleted: 'Bundle', error: 'OperationOutcome' }

export function plainProgress(write: (text: string) => void, now: () => number): RunObserver {
  let landed = { files: 0, of: 0, toldAt: -Infinity }
  let waited = ''
  return (event) => {
    const say = (text: string) => write(`${event.source} run ${event.run}: ${text}\n`)
    if (event.kind === 'started') landed = { files: 0, of: 0, toldAt: -Infinity }
    if (event.kind === 'listed') landed = { files: 0, of: landed.of + event.files, toldAt: -Infinity }
    if (event.kind === 'landed') {
      landed.files += 1
      const isLast = landed.files === landed.of
      if (!isLast && now() - landed.toldAt < LANDED_EVERY_MS && landed.of > 50) return
      landed.toldAt = now()
      const rejects = event.rejects > 0 ? `, ${plural(event.rejects, 'reject')}` : ''
      say(
        `landed ${event.type}: ${plural(event.resources, NOUNS[event.type] ?? 'resource')}${rejects}, ${bytesText(event.bytes)} (file ${landed.files} of ${landed.of})`,
      )
      return
    }
    if (event.kind === 'waiting') {
      if (event.progress === waited) return
      waited = event.progress ?? ''
    }
    const text = lineFor(event)
    if (text !== undefined) say(text)
  }
}

function lineFor(event: RunEvent): string | undefined {
  switch (event.kind) {
    case 'started':
      return event.resumed ? 'going on with the run an earlier process began' : `started, ${event.mode}`
    case 'requested':
      return `asked for ${plural(event.types.length, 'type')}${event.since === undefined ? '' : ` since ${event.since}`}`
    case 'waiting':
      return `the server is working${event.progress === undefined ? '' : `: ${event.progress}`} (${durationText(event.waitedMs)})`
    case 'delayed':
      return delayText(event)
    case 'listed':
      return `the server listed ${plural(event.files, 'file')}${event.lines === undefined ? '' : `, ${plural(event.lines, 'resource')}`}`
    case 'committed':
      return `committed: ${countText(event.inserted)} inserted, ${countText(event.updated)} updated, ${countText(event.deleted)} deleted`
    case 'published':
      return `published snapshot ${event.snapshot}: ${plural(event.tables, 'table')}, ${countText(event.carriedOver)} of them unchanged`
    case 'finding':
      return `note: ${findingText(event)}`
    case 'note':
      return `note: ${event.text}`
    case 'failed':
      return `failed (${event.code})`
    case 'fetching':
    case 'landed':
    case 'merging':
      return undefined
  }
}
