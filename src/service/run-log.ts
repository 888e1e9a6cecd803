/** The log's lines of runs: ids and counts, no content. */
import type { Log } from '../core/log.ts'
import type { RunEvent } from '../worker/events.ts'

/** One line for each that started, committed, was published or failed, and for what an operator should know of it. */
export function logRun(log: Log, event: RunEvent): void {
  const { source, run } = event
  switch (event.kind) {
    case 'started': {
      const { mode, resumed } = event
      return log.info({ source, run, mode, resumed }, resumed ? 'run goes on' : 'run started')
    }
    case 'requested':
      return log.info(
        { source, run, purpose: event.purpose, types: event.types.length, since: event.since },
        'export asked for',
      )
    case 'listed':
      return log.info({ source, run, files: event.files, lines: event.lines }, 'files listed')
    case 'committed': {
      const { inserted, updated, deleted } = event
      return log.info({ source, run, inserted, updated, deleted }, 'run committed')
    }
    case 'published': {
      const { snapshot, tables, carriedOver } = event
      return log.info({ source, run, snapshot, tables, carriedOver }, 'run published')
    }
    case 'failed':
      return log.error({ source, run, code: event.code, error: event.message }, 'run failed')
    // Why is in the ledger: its words may be the server's.
    case 'lost':
      return log.warn({ source, run, file: event.file, type: event.type }, 'file could not be had')
    case 'delayed': {
      const { step, code, status, ms, file, type } = event
      return log.info({ source, run, step, code, status, ms, file, type }, 'waiting before the next attempt')
    }
    case 'finding':
      return log.warn(
        { source, run, finding: event.code, count: event.count, type: event.type },
        'not what was asked for',
      )
    case 'note':
      return log.info({ source, run, note: event.text }, 'note')
    case 'landed': {
      const { file, type, bytes, resources, rejects } = event
      return log.debug({ source, run, file, type, bytes, resources, rejects }, 'file landed')
    }
    case 'merging':
      return log.debug({ source, run, table: event.table, done: event.done, of: event.of }, 'merging')
    case 'waiting':
    case 'gathering':
    case 'fetching':
    case 'publishing':
      return undefined
  }
}
