/** `$bulk-publish`: a static manifest with an ETag, in pages, and its files (hl7.org/fhir/uv/bulkdata/publish.html). */
import { createHash } from 'node:crypto'
import { sendFile } from '../download/send-file.ts'
import type { Exchange } from '../exchange.ts'
import { divided } from '../job/file-division.ts'
import type { JobFile } from '../job/export-job.ts'
import { Refusal } from '../refusal.ts'
import type { DemoState, Step } from '../steps.ts'
import { authorize } from '../token/authorization.ts'
import type { Edition } from './editions.ts'

const MANIFEST_TYPE = 'http://hl7.org/fhir/uv/bulkdata/StructureDefinition/BulkPublishManifest'

export const publishStep: Step = (state, exchange) => {
  replyPage(state, exchange, state.editions.newest, 1)
}

/** A page after the first. */
export const publishPageStep: Step = (state, exchange, { edition = '', page = '' }) => {
  replyPage(state, exchange, state.editions.get(edition), Number(page))
}

export const publishedFileStep: Step = async (state, exchange, { edition = '', name = '' }) => {
  state.requests.downloads += 1
  authorize(state, exchange)
  const file = state.editions.get(edition).files.find((each) => each.name === name)
  if (file === undefined) throw new Refusal(404, 'not-found', 'The edition has no such file.')
  await sendFile(state, exchange, `edition ${edition}`, file)
}

function replyPage(state: DemoState, exchange: Exchange, edition: Edition, number: number): void {
  state.requests.publications += 1
  authorize(state, exchange)
  const manifest = publishedManifest(state, edition, number)
  const etag = `"${createHash('sha256').update(JSON.stringify(manifest)).digest('base64url').slice(0, 27)}"`
  const headers = { ETag: etag, 'Cache-Control': 'no-cache' }
  const isKnown = exchange
    .header('if-none-match')
    .split(',')
    .some((word) => [etag, '*'].includes(word.trim().replace(/^W\//, '')))
  if (isKnown) exchange.replyNotModified(headers)
  else exchange.reply(200, manifest, headers)
}

function publishedManifest(state: DemoState, edition: Edition, number: number): object {
  const { baseUrl, tokens, behaviour } = state
  const pages = divided(edition.files, behaviour.publishPageFiles || Math.max(1, edition.files.length))
  const files = pages[number - 1]
  if (files === undefined) throw new Refusal(404, 'not-found', 'The manifest has no such page.')
  const root = `${baseUrl}/published/${edition.id}`
  const place = ({ name, count }: JobFile) => ({ url: `${root}/files/${name}`, count })
  const list = (kind: JobFile['kind']) => files.filter((file) => file.kind === kind)
  return {
    manifestType: MANIFEST_TYPE,
    transactionTime: edition.transactionTime,
    requiresAccessToken: tokens !== undefined,
    output: list('output').map((file) => ({ type: file.type, ...place(file) })),
    deleted: list('deleted').map(place),
    ...(number < pages.length && { link: [{ relation: 'next', url: `${root}/pages/${number + 1}` }] }),
  }
}
