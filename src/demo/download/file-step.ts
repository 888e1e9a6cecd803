/** The download of one file of an export, from the server itself or from its storage. */
import type { Exchange } from '../exchange.ts'
import type { ExportJob, JobFile } from '../job/export-job.ts'
import { Refusal } from '../refusal.ts'
import type { DemoState, Step } from '../steps.ts'
import { authorize } from '../token/authorization.ts'
import { filesNeedToken, signsOwnUrls, storageFileUrl } from './file-address.ts'
import { sendFile } from './send-file.ts'

export const fileStep: Step = async (state, exchange, { job: id = '', name = '' }) => {
  const { behaviour, requests } = state
  requests.downloads += 1
  if (filesNeedToken(state)) authorize(state, exchange)
  const { job, file } = find(state, id, name)
  if (signsOwnUrls(behaviour)) requireLiving(state, exchange)
  if (behaviour.fileRedirect) {
    requests.redirects += 1
    return exchange.replyEmpty(307, { Location: storageFileUrl(state, job, file) })
  }
  await sendFile(state, exchange, id, file)
}

/** A storage service: whoever has a signed URL may read, and a token beside it is one claim too many. */
export const storageFileStep: Step = async (state, exchange, { job: id = '', name = '' }) => {
  const { requests } = state
  requests.downloads += 1
  if (exchange.header('authorization') !== '') {
    requests.authorizationAtStorage += 1
    return exchange.replyXml(400, 'InvalidArgument', 'Only one way of authentication is allowed.')
  }
  requireLiving(state, exchange)
  await sendFile(state, exchange, id, find(state, id, name).file)
}

function find({ jobs }: DemoState, id: string, name: string): { job: ExportJob; file: JobFile } {
  const job = jobs.get(id)
  const file = job.files.find((each) => each.name === name)
  if (file === undefined) throw new Refusal(404, 'not-found', 'The export has no such file.')
  return { job, file }
}

function requireLiving({ signer, clock, behaviour }: DemoState, { url }: Exchange): void {
  const verdict = signer.check(url, clock.now().getTime())
  if (verdict === 'unsigned') throw new Refusal(403, 'forbidden', 'The URL is not signed, or not by this server.')
  if (verdict === 'expired') throw new Refusal(behaviour.expiredStatus, 'expired', 'The life of this URL is over.')
}
