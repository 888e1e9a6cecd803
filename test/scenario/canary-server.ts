/**
 * A Bulk Data server full of canaries: words that stand in one place each of what it holds and says, so that whoever
 * finds one elsewhere knows where it flew from.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** What each of them is, by name. Letters and digits alone: no encoding of URLs or JSON changes them. */
export const CANARIES = {
  // What patients' resources hold.
  family: 'canaryFamilyQx01',
  given: 'canaryGivenQx02',
  street: 'canaryStreetQx03',
  phone: 'canaryPhoneQx04',
  identifier: 'canaryIdentifierQx05',
  narrative: 'canaryNarrativeQx06',
  note: 'canaryNoteQx07',
  attachmentTitle: 'canaryAttachmentTitleQx08',
  attachmentData: 'canaryAttachmentDataQx09',
  attachmentUrl: 'canaryAttachmentUrlQx10',
  patientId: 'canaryPatientIdQx11',
  otherPatientId: 'canaryOtherPatientIdQx12',
  changedFamily: 'canaryChangedFamilyQx13',
  // Lines that are none.
  malformed: 'canaryMalformedQx21',
  withoutId: 'canaryWithoutIdQx22',
  wrongType: 'canaryWrongTypeQx23',
  wrongDate: 'canaryWrongDateQx24',
  idOfReject: 'canary Id Of A Reject Qx25',
  // What the server says.
  diagnostics: 'canaryDiagnosticsQx31',
  errorBody: 'canaryErrorBodyQx32',
  progress: 'canaryProgressQx33',
  outcomeDiagnostics: 'canaryOutcomeDiagnosticsQx34',
  outcomeCode: 'canaryOutcomeCodeQx35',
  outcomeSeverity: 'canaryOutcomeSeverityQx36',
  oddManifest: 'canaryOddManifestQx37',
  htmlFile: 'canaryHtmlFileQx38',
  header: 'canaryHeaderQx39',
  // One word, as a code is, where a code belongs.
  outcomeWord: 'canaryoutcomewordqx40',
  // What nobody else may know.
  clientSecret: 'canaryClientSecretQx41',
  accessToken: 'canaryAccessTokenQx42',
  signature: 'canarySignatureQx43',
  statusSignature: 'canaryStatusSignatureQx44',
  endpointToken: 'canaryEndpointTokenQx45',
  endpointAnswer: 'canaryEndpointAnswerQx46',
  studyKey: 'canaryStudyKeyQx47OfThirtyTwoCharactersOrMore',
  wrongToken: 'canaryWrongTokenQx48',
  asked: 'canaryAskedQx49',
} as const

export type Canary = keyof typeof CANARIES
const C = CANARIES

/** Of a kick-off, what the export does; the next kick-offs do the same until it is changed. */
export type Mood =
  | 'whole'
  | 'increment'
  | 'kick-off refused'
  | 'export failed'
  | 'status broken'
  | 'odd manifest'
  | 'odd files'
  | 'busy'
  | 'token refused'
  | 'never done'

const patient = (id: string, family: string) => ({
  resourceType: 'Patient',
  id,
  meta: { versionId: '1', lastUpdated: '2026-01-01T00:00:00Z' },
  text: { status: 'generated', div: `<div xmlns="http://www.w3.org/1999/xhtml">${C.narrative}</div>` },
  identifier: [{ system: 'http://hospital.example.org/mrn', value: C.identifier }],
  name: [{ use: 'official', family, given: [C.given] }],
  telecom: [{ system: 'phone', value: C.phone }],
  address: [{ line: [C.street], city: C.street }],
  birthDate: C.wrongDate,
})

const observation = {
  resourceType: 'Observation',
  id: 'o1',
  meta: { versionId: '1', lastUpdated: '2026-01-01T00:00:00Z' },
  status: 'final',
  code: { text: C.note },
  subject: { reference: `Patient/${C.patientId}` },
  note: [{ text: C.note }],
  valueString: C.note,
}

const document = {
  resourceType: 'DocumentReference',
  id: 'd1',
  meta: { versionId: '1', lastUpdated: '2026-01-01T00:00:00Z' },
  subject: { reference: `Patient/${C.patientId}` },
  content: [
    {
      attachment: {
        title: C.attachmentTitle,
        data: Buffer.from(C.attachmentData).toString('base64'),
        url: `https://files.example.org/${C.attachmentUrl}.pdf`,
      },
    },
  ],
}

const outcome = (diagnostics: string, code: string, severity = 'error') => ({
  resourceType: 'OperationOutcome',
  issue: [{ severity, code, diagnostics, details: { text: diagnostics } }],
})

const lines = (...each: (object | string)[]) =>
  each.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('')

const FILES: Readonly<Record<string, string>> = {
  patients: lines(
    patient(C.patientId, C.family),
    patient(C.otherPatientId, C.family),
    `{"resourceType":"Patient","id":"p8","name":[{"family":"${C.malformed}"`,
    `${C.malformed} is no JSON at all`,
    { resourceType: 'Patient', name: [{ family: C.withoutId }] },
    { resourceType: 'Patient', id: C.idOfReject, name: [{ family: C.withoutId }] },
    { resourceType: C.wrongType, id: 'x1', name: [{ family: C.wrongType }] },
  ),
  changed: lines({
    ...patient(C.patientId, C.changedFamily),
    meta: { versionId: '2', lastUpdated: '2026-02-01T00:00:00Z' },
  }),
  deleted: lines({
    resourceType: 'Bundle',
    type: 'transaction',
    entry: [{ request: { method: 'DELETE', url: 'Observation/o1' } }],
  }),
  observations: lines(observation),
  documents: lines(document),
  messages: lines(
    outcome(C.outcomeDiagnostics, `Patient ${C.outcomeCode} was not found`, `bad ${C.outcomeSeverity}`),
    outcome(C.outcomeDiagnostics, 'processing', 'information'),
    outcome(C.outcomeDiagnostics, C.outcomeWord, C.outcomeWord),
  ),
}

export class CanaryServer {
  mood: Mood = 'whole'
  readonly origin: string
  private readonly close: () => Promise<void>
  private exports = 0
  private polls = 0

  private constructor(port: number, close: () => Promise<void>) {
    this.origin = `http://127.0.0.1:${port}`
    this.close = close
  }

  static async start(): Promise<CanaryServer> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const canaries = new CanaryServer((server.address() as AddressInfo).port, async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    })
    server.on('request', (request, response) => {
      void text(request).then((body) => canaries.answer(request, body, response))
    })
    return canaries
  }

  stop(): Promise<void> {
    return this.close()
  }

  private answer(request: IncomingMessage, body: string, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', this.origin)
    const give = (status: number, value: unknown, headers: Record<string, string> = {}) => {
      const content = typeof value === 'string' ? value : JSON.stringify(value)
      const type = typeof value === 'string' ? 'application/fhir+ndjson' : 'application/fhir+json'
      response.writeHead(status, { 'content-type': type, 'x-words': C.header, ...headers }).end(content)
    }
    /** A server that repeats what it was told, besides what it holds. */
    const said = `${C.diagnostics} ${body} ${request.headers.authorization ?? ''} ${url.href}?sig=${C.signature}`
    const { mood } = this
    const [, folder] = url.pathname.split('/')
    switch (folder) {
      case 'token':
        if (mood === 'token refused') return give(401, { error: 'invalid_client', error_description: said })
        return give(200, { access_token: C.accessToken, token_type: 'bearer', expires_in: 300, scope: 'system/*.read' })
      case 'status':
        return this.status(url, request.method ?? '', give)
      case 'files':
        return this.file(url, give)
      case 'odd':
        return oddFile(url.pathname, said, give)
      case 'lineage':
        return give(503, C.endpointAnswer)
      case undefined:
      default:
    }
    if (url.pathname.endsWith('/metadata'))
      return give(200, { resourceType: 'CapabilityStatement', fhirVersion: '4.0.1', software: { name: 'canaries' } })
    if (!url.pathname.endsWith('$export')) return give(404, outcome(said, 'not-found'))
    if (mood === 'kick-off refused') return give(400, outcome(said, C.outcomeWord))
    this.exports += 1
    this.polls = 0
    return give(202, '', { 'content-location': `${this.origin}/status/${this.exports}?sig=${C.statusSignature}` })
  }

  private status(
    url: URL,
    method: string,
    give: (status: number, value: unknown, headers?: Record<string, string>) => void,
  ) {
    const { mood } = this
    if (method === 'DELETE') return give(500, outcome(C.diagnostics, 'exception'))
    if (mood === 'busy' && ++this.polls < 3)
      return give(503, outcome(C.diagnostics, 'transient'), { 'x-progress': C.progress, 'retry-after': '0' })
    if (mood === 'never done') return give(202, '', { 'x-progress': `reading ${C.progress}, 12 %`, 'retry-after': '1' })
    if (mood === 'export failed') return give(413, outcome(`${C.diagnostics} ${url.href}`, 'too-costly'))
    if (mood === 'status broken') return give(413, `<html>${C.errorBody}</html>`, { 'content-type': 'text/html' })
    const entry = (type: string, name: string, folder = 'files') => ({
      type,
      url: `${this.origin}/${folder}/${name}?sig=${C.signature}&X-Amz-Credential=${C.signature}`,
    })
    const manifest = { transactionTime: new Date().toISOString(), request: url.href, requiresAccessToken: true }
    if (mood === 'odd manifest')
      return give(200, { ...manifest, output: C.oddManifest, error: [{ url: C.oddManifest }] })
    if (mood === 'odd files') {
      const output = ['lost', 'html', 'storage'].map((name) => entry('Patient', name, 'odd'))
      return give(200, { ...manifest, output, error: [] })
    }
    if (mood === 'increment' || mood === 'busy') {
      const output = [entry('Patient', 'changed')]
      return give(200, { ...manifest, output, deleted: [entry('Bundle', 'deleted')], error: [] })
    }
    const output = [
      entry('Patient', 'patients'),
      entry('Observation', 'observations'),
      entry('DocumentReference', 'documents'),
    ]
    return give(200, { ...manifest, output, error: [entry('OperationOutcome', 'messages')] })
  }

  private file(url: URL, give: (status: number, value: unknown) => void): void {
    const content = FILES[url.pathname.split('/')[2] ?? '']
    if (url.searchParams.get('sig') !== C.signature || content === undefined) return give(403, C.errorBody)
    give(200, content)
  }
}

/** As storage says no, and as a proxy does. */
function oddFile(
  path: string,
  said: string,
  give: (status: number, value: unknown, headers?: Record<string, string>) => void,
): void {
  if (path.endsWith('lost')) return give(404, outcome(said, 'not-found'))
  if (path.endsWith('html')) return give(200, `<html>${C.htmlFile}</html>`, { 'content-type': 'text/html' })
  give(403, `<?xml version="1.0"?><Error><Message>${C.errorBody} ${said}</Message></Error>`, {
    'content-type': 'application/xml',
  })
}
