/**
 * A manifest in pages, given out while the job works (hl7.org/fhir/uv/bulkdata/export.html, `allowPartialManifests`).
 * As polls go by, the pages get ready one after another; the first is there from the first poll.
 */
import type { DemoBehaviour } from '../behaviour.ts'
import { Refusal } from '../refusal.ts'
import type { ExportJob } from './export-job.ts'
import { divided } from './file-division.ts'
import type { ManifestPage } from './manifest.ts'

export interface PartialPage extends ManifestPage {
  /** From 1. */
  readonly number: number
  readonly isReady: boolean
}

/** @param statusUrl a page's URL is this with a query `page`. @throws Refusal (404) for a page that will never be. */
export function partialPage(job: ExportJob, number: number, statusUrl: string, behaviour: DemoBehaviour): PartialPage {
  const pages = divided(job.files, pagedSize(job, behaviour))
  const files = pages[number - 1]
  if (files === undefined) throw new Refusal(404, 'not-found', 'The manifest has no such page.')
  const { pollsBeforeDone } = behaviour
  const share = pollsBeforeDone === 0 ? 1 : job.pollsAnswered / pollsBeforeDone
  return {
    number,
    files,
    next: number < pages.length ? `${statusUrl}?page=${number + 1}` : undefined,
    isReady: number <= Math.max(1, Math.floor(pages.length * share)),
  }
}

export function givesPages(job: ExportJob, { partialPageFiles, readsAt }: DemoBehaviour): boolean {
  return partialPageFiles > 0 && job.order.parameters.partial && readsAt === 'kick-off'
}

function pagedSize(job: ExportJob, behaviour: DemoBehaviour): number {
  return givesPages(job, behaviour) ? behaviour.partialPageFiles : Math.max(1, job.files.length)
}
