/** One export from its plan to the raw log, by the table of its life. */
import { isAbort, StokerError } from '../core/errors.ts'
import { exportOf, moveExport, recordKickoff, type ExportRecord } from '../ledger/exports.ts'
import { filesOfExport } from '../ledger/files.ts'
import { askedOf } from './asked.ts'
import type { RunContext } from './context.ts'
import { nextStep, type ExportEvent } from './export-life.ts'
import { listPage } from './listing.ts'
import type { Loader } from './loader.ts'
import { readPublished } from './published.ts'
import { entriesOf } from './listing.ts'

/**
 * Asks for the export, or goes on with it where the ledger says it stands, until all its files have landed or are known
 * to be lost. The status URL is in the ledger before the first poll, so that a restart waits for the same export. Files
 * are fetched while further pages of the manifest are waited for; those of a published one, which may be another one after
 * a restart, when all of it is in the ledger.
 */
export async function followExport(context: RunContext, planned: ExportRecord, loader: Loader): Promise<void> {
  const { ledger } = context
  const id = planned.export
  const loading: Promise<void>[] = []
  const load = async () => {
    const work = loader.load((await exportOf(ledger, id))!, await filesOfExport(ledger, id))
    // It is waited for below; until then its failure is told by the loader's signal.
    work.catch(() => undefined)
    loading.push(work)
  }
  const list = async () => {
    context.place.yield()
    if (planned.state === 'planned') {
      // The server need not make what we could not take.
      await loader.withRoom(() => context.disk.require('a new export'))
      await ask(context, planned, loader.signal)
    }
    const record = (await exportOf(ledger, id))!
    let pages = 0
    for await (const page of await pagesOf(context, record, loader.signal)) {
      pages += 1
      await listPage(context, record, page)
      if (context.source.manifestUrl === undefined) await load()
    }
    await happened(context, record, 'complete')
    await tellComplete(context, id, pages)
    if (context.source.manifestUrl !== undefined) await load()
  }
  try {
    if (planned.state === 'ready') await load()
    else await context.phases.during('export', list)
  } catch (error) {
    const event = loader.signal.aborted ? undefined : eventOf(error)
    const record = (await exportOf(ledger, id))!
    if (!loader.signal.aborted) tellRefused(context, record, error)
    if (event !== undefined) await happened(context, record, event)
    loader.abort(error)
    await Promise.allSettled(loading)
    throw error
  }
  await Promise.all(loading)
  await happened(context, (await exportOf(ledger, id))!, 'landed')
  await tellGathered(context, id)
}

async function ask(context: RunContext, record: ExportRecord, signal: AbortSignal): Promise<void> {
  const { source, client, clock, ledger } = context
  const since = record.since ?? undefined
  const deadline = new Date(clock.now().getTime() + source.deadlineHours * 3_600_000)
  const kickoff =
    source.manifestUrl === undefined
      ? await client.kickOff({ level: source.level, types: record.types, since, ...record.request }, signal, deadline)
      : { statusUrl: undefined, requestUrl: source.manifestUrl, serverDate: undefined, leftOut: [] }
  await recordKickoff(ledger, record.export, kickoff, clock.now())
  if (kickoff.leftOut.length > 0) {
    const text = `this kind of server does not read ${kickoff.leftOut.join(', ')}: more comes than was asked for`
    context.tell({ kind: 'note', text })
  }
  const asked = askedOf(source, record, kickoff.requestUrl, kickoff.leftOut)
  const { purpose, types, export: id } = record
  context.tell({ kind: 'requested', purpose, types, since, export: id, ...asked })
}

async function tellComplete(context: RunContext, id: number, pages: number): Promise<void> {
  const transactionTime = (await exportOf(context.ledger, id))!.transaction_time ?? undefined
  const entries = entriesOf(await filesOfExport(context.ledger, id))
  context.tell({ kind: 'complete', export: id, transactionTime, entries, pages })
}

/** What ended the export, or kept it from being asked for; files have events of their own. */
function tellRefused(context: RunContext, record: ExportRecord, error: unknown): void {
  if (!(error instanceof StokerError) || isAbort(error) || !['planned', 'requested'].includes(record.state)) return
  const { code, record: text, facts } = error
  const isTaken = record.state === 'requested'
  context.tell({
    kind: 'refused',
    export: record.export,
    step: context.source.manifestUrl !== undefined ? 'published' : isTaken ? 'status' : 'kick-off',
    code,
    status: typeof facts.status === 'number' ? facts.status : undefined,
    text,
    asked: isTaken ? undefined : askedOf(context.source, record),
  })
}

async function tellGathered(context: RunContext, id: number): Promise<void> {
  const files = (await filesOfExport(context.ledger, id)).filter((file) => file.state === 'landed')
  const sum = (key: 'resources' | 'bytes') => files.reduce((total, file) => total + (file[key] ?? 0), 0)
  const now = context.clock.now().getTime()
  const began = (await exportOf(context.ledger, id))!.requested_at?.getTime() ?? now
  const counts = { files: files.length, resources: sum('resources'), bytes: sum('bytes') }
  context.tell({ kind: 'gathered', export: id, ...counts, ms: now - began })
}

async function pagesOf(context: RunContext, record: ExportRecord, signal: AbortSignal) {
  const { source, client, clock, ledger } = context
  if (source.manifestUrl !== undefined) return readPublished(context, record, signal)
  const began = (record.requested_at ?? clock.now()).getTime()
  return client.pages(record.status_url!, {
    deadline: new Date(began + source.deadlineHours * 3_600_000),
    before: await filesOfExport(ledger, record.export),
    partial: record.request.allowPartialManifests,
    onProgress: ({ percentDone, retryAfterMs }) => {
      const waitedMs = clock.now().getTime() - began
      context.tell({ kind: 'waiting', percentDone, waitedMs, export: record.export, retryAfterMs })
    },
    signal,
  })
}

async function happened(context: RunContext, record: ExportRecord, event: ExportEvent): Promise<void> {
  const { to } = nextStep(record.state, event)
  if (to !== record.state) await moveExport(context.ledger, record.export, to, context.clock.now())
}

/** What an error of the server's says of the export; one that may pass, or that is not of the server, says nothing. */
function eventOf(error: unknown): ExportEvent | undefined {
  if (!(error instanceof StokerError)) return undefined
  if (error.code === 'BULK_EXPORT_GONE') return 'gone'
  if (error.code === 'BULK_DEADLINE') return 'deadline'
  return error.retryable || !error.code.startsWith('BULK_') ? undefined : 'refused'
}
