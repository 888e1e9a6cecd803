/** Begins the job of an order: reads the store at once, or notes what each poll is to read. */
import type { DemoBehaviour } from '../behaviour.ts'
import type { ExportOrder } from '../kick-off/export-order.ts'
import { Refusal } from '../refusal.ts'
import { retryAfterHeaders } from '../retry-after.ts'
import type { DemoState } from '../steps.ts'
import type { DemoStore } from '../store.ts'
import type { ExportJob, JobFile } from './export-job.ts'
import { alteration } from './alterations.ts'
import { closingFiles } from './closing-files.ts'
import { oddListing } from './odd-listing.ts'
import { organizedFiles } from './organized-files.ts'
import { outputFiles } from './output-files.ts'
import { selected } from './selection.ts'

/** Takes its cut before it waits for anything. @throws Refusal (429) if there are as many jobs as there may be. */
export async function beginExport(state: DemoState, order: ExportOrder): Promise<ExportJob> {
  const { store, jobs, behaviour, log } = state
  requireFreePlace(state)
  const unread = behaviour.readsAt === 'poll' ? readingPlan(store, order, behaviour) : []
  const job = jobs.start(
    unread.length > 0
      ? { order, instant: store.nextInstant(), files: [], unread }
      : { order, ...(await readAll(state, order)), unread },
  )
  log.info({ job: job.id, files: job.files.length, unread: job.unread.length }, 'export started')
  return job
}

/** Reads what the job's next poll is to read, if anything is left; after the last the list of files is closed. */
export async function readNext(state: DemoState, job: ExportJob): Promise<void> {
  const [types, ...later] = job.unread
  if (types === undefined) return
  job.unread = later
  const { files } = await read(state, job.order, types)
  job.files = [...job.files, ...files]
  if (later.length > 0) return
  job.files = closed(state, job.order, job.files, state.store.deletions(job.order.filter))
}

async function readAll(state: DemoState, order: ExportOrder): Promise<{ instant: Date; files: readonly JobFile[] }> {
  const { instant, deleted, files } = await read(state, order, order.filter.types)
  return { instant, files: closed(state, order, files, deleted) }
}

async function read(
  { store, files, behaviour }: DemoState,
  order: ExportOrder,
  types: ReadonlySet<string> | undefined,
) {
  const { organized, filters, elements } = order.parameters
  const { instant, found, deleted } = store.cut({ ...order.filter, types })
  const content = { found: await selected(found, filters, files), types, alter: alteration(elements, behaviour) }
  const write = organized ? organizedFiles : outputFiles
  return { instant, deleted, files: write(content, behaviour) }
}

function closed(
  { behaviour }: DemoState,
  order: ExportOrder,
  files: readonly JobFile[],
  deleted: readonly string[],
): readonly JobFile[] {
  return oddListing([...files, ...closingFiles(order, deleted, behaviour)], behaviour)
}

/** One type a poll; all together where a block has resources of every type. */
function readingPlan(store: DemoStore, order: ExportOrder, behaviour: DemoBehaviour): ReadonlySet<string>[] {
  const there = new Set([...store.types(), ...Object.keys(behaviour.malformedLines)])
  const types = [...there].filter((type) => order.filter.types?.has(type) ?? true)
  if (order.parameters.organized) return types.length > 0 ? [new Set(types)] : []
  return types.map((type) => new Set([type]))
}

function requireFreePlace({ jobs, behaviour, clock }: DemoState): void {
  if (behaviour.jobsAtOnce === 0 || jobs.size < behaviour.jobsAtOnce) return
  const message = `There may be ${behaviour.jobsAtOnce} exports at once; delete one.`
  throw new Refusal(429, 'throttled', message, retryAfterHeaders(behaviour, clock))
}
