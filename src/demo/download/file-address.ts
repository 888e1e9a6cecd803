/** Where a client finds a file of an export: at the server itself or at its storage, signed or not, for a while or ever. */
import type { FileBehaviour } from '../behaviour/file-behaviour.ts'
import type { ExportJob, JobFile } from '../job/export-job.ts'
import type { DemoState } from '../steps.ts'

/** The URL that stands in a manifest. */
export function fileUrl(state: DemoState, job: ExportJob, file: Pick<JobFile, 'name'>): string {
  const { behaviour, signer, clock } = state
  if (behaviour.fileHost === 'storage') return storageFileUrl(state, job, file)
  const plain = `${state.baseUrl}/export-files/${job.id}/${file.name}`
  const url = signsOwnUrls(behaviour) ? signer.sign(plain, signing(job, behaviour, clock.now().getTime())) : plain
  return behaviour.relativeUrls ? withoutOrigin(url) : url
}

/** A URL at the storage, always signed. */
export function storageFileUrl(
  { storageUrl, signer, behaviour, clock }: DemoState,
  job: ExportJob,
  file: Pick<JobFile, 'name'>,
): string {
  const url = `${storageUrl}/export-files/${job.id}/${file.name}`
  return signer.sign(url, signing(job, behaviour, clock.now().getTime()))
}

/** Whether a URL at the server itself is signed. */
export function signsOwnUrls({ urlLifeSeconds, urlSigning }: FileBehaviour): boolean {
  return urlLifeSeconds > 0 || urlSigning === 'each-poll'
}

/** Whether the files are given to nobody without a token. */
export function filesNeedToken({ tokens, behaviour }: DemoState): boolean {
  const open = behaviour.fileHost === 'storage' || behaviour.tokenFlag === false || behaviour.tokenFlag === 'false'
  return tokens !== undefined && !open
}

/** Signed once, a URL keeps the life it was given with the first manifest. */
function signing(job: ExportJob, { urlSigning, urlLifeSeconds }: FileBehaviour, nowMs: number) {
  job.signedMs ??= nowMs
  const anew = urlSigning === 'each-poll'
  const fromMs = anew ? nowMs : job.signedMs
  return { anew, expiresMs: urlLifeSeconds > 0 ? fromMs + urlLifeSeconds * 1000 : undefined }
}

function withoutOrigin(url: string): string {
  const { pathname, search } = new URL(url)
  return `${pathname}${search}`
}
