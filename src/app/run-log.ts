/** Runs in the log: a line for each step, with the ids of run, source and file. Who runs them says how they end. */
import { withIds, type Log } from '../core/log.ts'
import type { RunEvent, RunObserver } from '../worker/events.ts'

export function runLog(log: Log): RunObserver {
  return (event) => {
    const { source, run } = event
    line(
      event,
      withIds(log, () => ({ source, run, ...('file' in event && event.file && { file: event.file }) })),
    )
  }
}

/** The server's own words are shown to who sits before the terminal, and are in no line. */
function line(event: RunEvent, log: Log): void {
  switch (event.kind) {
    case 'started':
      return log.info({ mode: event.mode, resumed: event.resumed }, event.resumed ? 'run goes on' : 'run started')
    case 'requested': {
      const { export: id, purpose, types, since } = event
      return log.info({ export: id, purpose, types: types.length, since }, 'export asked for')
    }
    case 'refused':
      return log.info(
        { export: event.export, step: event.step, code: event.code, status: event.status },
        'export refused',
      )
    case 'waiting':
      return log.trace({ export: event.export, waitedMs: event.waitedMs }, 'the server is working')
    case 'delayed':
      return log.info({ step: event.step, code: event.code, status: event.status, ms: event.ms }, 'trying again later')
    case 'queued':
      return log.info({}, 'as many other runs work as may: it waits for its place')
    case 'listed':
      return log.debug({ export: event.export, files: event.files }, 'page of the manifest')
    case 'complete':
      return log.info({ export: event.export, ...event.entries, pages: event.pages }, 'export ready')
    case 'gathering':
      return log.debug({ files: event.files, before: event.before }, 'fetching files')
    case 'downloading':
      return log.debug({ kind: event.of.kind, type: event.of.type }, 'download begun')
    case 'fetching':
      return log.trace({ bytes: event.bytes, lines: event.lines }, 'downloading')
    case 'downloaded':
      return log.debug({ bytes: event.bytes, lines: event.lines }, 'downloaded')
    case 'interrupted':
      return log.info({ code: event.code, status: event.status }, 'file not fetched')
    case 'landed': {
      const { type, bytes, resources, rejects } = event
      return log.debug({ type, bytes, resources, rejects }, 'landed')
    }
    case 'lost':
      return log.info({ type: event.type }, 'file lost')
    case 'gathered': {
      const { export: id, files, resources, bytes, ms } = event
      return log.info({ export: id, files, resources, bytes, ms }, 'export gathered')
    }
    case 'merging':
      return log.debug({ table: event.table, done: event.done, of: event.of }, 'merging')
    case 'committed': {
      const { inserted, updated, deleted } = event
      return log.info({ inserted, updated, deleted }, 'run committed')
    }
    case 'publishing':
      return log.debug({}, 'publishing')
    case 'published':
      return log.info({ snapshot: event.snapshot, tables: event.tables }, 'run published')
    case 'finding':
      return log.info({ code: event.code, count: event.count, type: event.type }, 'finding')
    case 'note':
      return log.debug({}, 'note')
    case 'failed':
      return log.info({ code: event.code }, 'run stopped by an error')
    case 'cancelled':
      return log.info({}, 'run cancelled')
    case 'done':
      return log.info({ snapshot: event.snapshot }, 'run done')
  }
}
