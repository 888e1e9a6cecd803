/**
 * The log of exports as the SMART bulk data client writes it, one JSON object a line: `exportId, timestamp, eventId,
 * eventDetail`, version 2. Tools that study how exports go read it, so its field names are theirs.
 */
import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import type { FileFacts, ManifestEntries, RunEvent, RunObserver } from '../worker/events.ts'
import type { Identity } from './identity.ts'
import { LineFile } from './line-file.ts'

export interface BulkLogOptions {
  readonly path: string
  readonly identity: Identity
  readonly clock: Clock
  readonly log: Log
}

const LOG_VERSION = '2'

/** Each of our exports is one of theirs: a run may have several. Bodies and headers of answers are in none of its lines. */
export function bulkLog({ path, identity, clock, log }: BulkLogOptions): RunObserver {
  const file = new LineFile(path)
  /** When the bytes of files were whole that have not landed yet. */
  const arrivals = new Map<number, Date>()
  let lost = 0
  const write = ({ source, run }: RunEvent, id: number, eventId: string, eventDetail: object, at = clock.now()) => {
    const line = {
      exportId: identity.export(id),
      timestamp: at.toISOString(),
      eventId,
      eventDetail,
      ...{ source, run, export: id },
    }
    try {
      file.add(JSON.stringify(line))
      if (lost > 0) log.info({ lines: lost }, 'the bulk data log goes on; so many lines are missing from it')
      lost = 0
    } catch (error) {
      if (lost === 0)
        log.warn({ path, cause: (error as { code?: unknown }).code }, 'the bulk data log can not be written')
      lost += 1
    }
  }
  return (event) => {
    const say = (eventId: string, detail: object, at?: Date) =>
      'export' in event && write(event, event.export, eventId, detail, at)
    switch (event.kind) {
      case 'requested':
        return void say('kickoff', kickoff(event, null, null))
      case 'refused':
        if (event.asked !== undefined)
          return void say('kickoff', kickoff(event.asked, event.status ?? null, `${event.code}: ${event.text}`))
        return void say('status_error', failure(event))
      case 'waiting':
        return void say('status_progress', {
          body: null,
          // Of the server's words, which may name a patient, what is known of them.
          xProgress: event.percentDone === undefined ? null : `${event.percentDone}%`,
          retryAfter: event.retryAfterMs === undefined ? null : String(Math.round(event.retryAfterMs / 1000)),
        })
      case 'listed':
        return void say('status_page_complete', {
          transactionTime: event.transactionTime.toISOString(),
          ...named(event.entries, 'outputFileCount', 'deletedFileCount', 'errorFileCount'),
        })
      case 'complete': {
        const transactionTime = event.transactionTime?.toISOString() ?? null
        say('status_complete', { transactionTime })
        return void say('manifest_complete', {
          transactionTime,
          ...named(event.entries, 'totalOutputFileCount', 'totalDeletedFileCount', 'totalErrorFileCount'),
          totalManifests: event.pages,
        })
      }
      case 'downloading': {
        const { url, kind, type } = event.of
        const resourceType = type ?? DEFAULT_TYPES[kind]
        return void say('download_request', { fileUrl: shownUrl(url), itemType: kind, resourceType })
      }
      case 'downloaded':
        arrivals.set(event.file, clock.now())
        return
      case 'landed': {
        const at = arrivals.get(event.file)
        arrivals.delete(event.file)
        const counts = { resourceCount: event.resources, fileSize: event.bytes }
        return void say('download_complete', { fileUrl: shownUrl(event.of.url), ...counts }, at)
      }
      case 'interrupted':
        arrivals.delete(event.file)
        return void say('download_error', { fileUrl: shownUrl(event.of.url), ...failure(event) })
      case 'gathered':
        // Attachments are never fetched.
        return void say('export_complete', {
          files: event.files,
          resources: event.resources,
          bytes: event.bytes,
          attachments: 0,
          duration: event.ms,
        })
      default:
        return
    }
  }
}

/** Of a manifest's lists that name no type. */
const DEFAULT_TYPES: Readonly<Record<FileFacts['kind'], string | null>> = {
  output: null,
  deleted: 'Bundle',
  error: 'OperationOutcome',
}

/** The CapabilityStatement is not read for a run: what it would say is null. */
function kickoff(
  { url, parameters }: { readonly url: string; readonly parameters: Readonly<Record<string, string>> },
  errorCode: number | null,
  errorBody: string | null,
): object {
  return {
    exportUrl: url,
    errorCode,
    errorBody,
    softwareName: null,
    softwareVersion: null,
    softwareReleaseDate: null,
    fhirVersion: null,
    requestParameters: parameters,
    logVersion: LOG_VERSION,
  }
}

function failure({ code, text, status }: { code: string; text: string; status: number | undefined }): object {
  return { body: null, code: status ?? null, message: `${code}: ${text}` }
}

function named(entries: ManifestEntries, output: string, deleted: string, error: string): Record<string, number> {
  return { [output]: entries.output, [deleted]: entries.deleted, [error]: entries.error }
}

/** A JSON Web Token may stand in a path. */
function shownUrl(url: string): string {
  return url.replace(/eyJ[\w-]+\.[\w.-]+/g, '[hidden]')
}
