/** Of the configuration what the long-running worker needs beside sources: its rhythm, its page, whom it tells. */
import { access } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { ConfigFields } from './config-fields.ts'
import { readSecret, type SecretPlaces } from './config-secret.ts'
import { isLoopback, readUrl } from './config-url.ts'
import type { Secret } from './secret.ts'
import { shownPath } from './shown-path.ts'

export interface ServiceConfig {
  readonly worker: WorkerConfig
  /** Status page, API and metrics; undefined: none of them. */
  readonly http: HttpConfig | undefined
  readonly query: QueryConfig
  /** Absolute folders of cohort definitions, one SQL file each. */
  readonly cohorts: readonly string[]
  readonly reports: ReportsConfig
}

export interface WorkerConfig {
  /** Runs of different sources at the same time. */
  readonly sourcesAtOnce: number
  /** A scheduled run begins up to this much after its time, so that not everybody asks at the full hour. */
  readonly jitterSeconds: number
}

export interface HttpConfig {
  /** A name or an address, IPv6 without brackets. */
  readonly host: string
  /** 0: any that is free. */
  readonly port: number
  /** Only this machine reaches it. */
  readonly isLoopback: boolean
  /** Never undefined beyond loopback. */
  readonly token: Secret | undefined
}

/** Limits of a query that somebody asks through the API. */
export interface QueryConfig {
  readonly seconds: number
  readonly rows: number
}

export interface ReportsConfig {
  readonly openLineage: OpenLineageConfig | undefined
  /** Absolute path of the file for events in the SMART bulk data client's log format. */
  readonly bulkLog: string | undefined
}

export interface OpenLineageConfig {
  /** Absolute path: one event a line. */
  readonly file: string | undefined
  /** Each event is posted here. */
  readonly url: URL | undefined
  readonly token: Secret | undefined
  /** Of jobs and of tables. */
  readonly namespace: string
}

export const HTTP_DEFAULT: HttpConfig = { host: '127.0.0.1', port: 8650, isLoopback: true, token: undefined }
const SOURCES_AT_ONCE_DEFAULT = 2
const JITTER_SECONDS_DEFAULT = 60
const QUERY_SECONDS_DEFAULT = 60
const QUERY_ROWS_DEFAULT = 1_000_000
/** Of a random token: less is guessed. */
const TOKEN_LENGTH_MIN = 16

/** @param fields of the whole file */
export async function readService(fields: ConfigFields, places: SecretPlaces): Promise<ServiceConfig> {
  const worker = fields.child('worker')
  const query = fields.child('query')
  return {
    worker: {
      sourcesAtOnce: worker.number('sourcesAtOnce') ?? SOURCES_AT_ONCE_DEFAULT,
      jitterSeconds: worker.number('jitterSeconds') ?? JITTER_SECONDS_DEFAULT,
    },
    http: await readHttp(fields.child('http'), places),
    query: {
      seconds: query.number('seconds') ?? QUERY_SECONDS_DEFAULT,
      rows: query.number('rows') ?? QUERY_ROWS_DEFAULT,
    },
    cohorts: await readCohortFolders(fields, places.folder),
    reports: await readReports(fields.child('reports'), places),
  }
}

/** One that is missing stops nothing: its cohorts are not run, which the runs of cohorts tell. */
async function readCohortFolders(fields: ConfigFields, folder: string): Promise<string[]> {
  const named = fields.texts('cohorts').map(({ text, path }) => ({ path, cohorts: resolve(folder, text) }))
  for (const { path, cohorts } of named) {
    const isThere = await access(cohorts).then(
      () => true,
      () => false,
    )
    if (!isThere)
      fields.findings.warning(
        path,
        `there is no folder ${shownPath(cohorts)}`,
        'stoker cohort examples FOLDER makes one.',
      )
  }
  return named.map(({ cohorts }) => cohorts)
}

async function readHttp(fields: ConfigFields, places: SecretPlaces): Promise<HttpConfig | undefined> {
  const listen = fields.text('listen')
  const token = await readToken(fields, places)
  if (listen === 'none') return undefined
  const address = listen === undefined ? HTTP_DEFAULT : readAddress(listen)
  if (address === undefined) {
    fields.mistake('listen', 'is no address with a port', 'Write 127.0.0.1:8650, [::1]:8650, 0.0.0.0:8650, or none.')
    return undefined
  }
  if (!address.isLoopback && token === undefined && !hasToken(fields)) {
    const wayOut = 'Give tokenFile or tokenEnv (openssl rand -hex 32 makes one), or listen on 127.0.0.1.'
    fields.mistake('listen', 'other machines could reach it, and no token is asked of them', wayOut)
  }
  return { ...address, token }
}

function readAddress(text: string): Omit<HttpConfig, 'token'> | undefined {
  const [, host, port] = /^(\[[0-9a-fA-F:.]+\]|[^\s:/[\]]+):([0-9]{1,5})$/.exec(text) ?? []
  if (host === undefined || Number(port) > 65_535) return undefined
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port), isLoopback: isLoopback(host) }
}

async function readToken(fields: ConfigFields, places: SecretPlaces): Promise<Secret | undefined> {
  if (!hasToken(fields)) return undefined
  const token = await readSecret(fields, 'token', places)
  if (token !== undefined && token.reveal().length < TOKEN_LENGTH_MIN) {
    const key = fields.has('tokenFile') ? 'tokenFile' : 'tokenEnv'
    fields.mistake(key, 'the token is too short', `Take ${TOKEN_LENGTH_MIN} characters or more: openssl rand -hex 32.`)
  }
  return token
}

function hasToken(fields: ConfigFields): boolean {
  return fields.has('tokenFile') || fields.has('tokenEnv')
}

async function readReports(fields: ConfigFields, places: SecretPlaces): Promise<ReportsConfig> {
  const bulkLog = fields.text('bulkLog')
  return {
    openLineage: fields.has('openLineage') ? await readOpenLineage(fields.child('openLineage'), places) : undefined,
    bulkLog: bulkLog === undefined ? undefined : resolve(places.folder, bulkLog),
  }
}

async function readOpenLineage(fields: ConfigFields, places: SecretPlaces): Promise<OpenLineageConfig> {
  const file = fields.text('file')
  const rules = { allowHttp: fields.flag('allowHttp') ?? false, findings: fields.findings }
  const url = readUrl(fields.text('url'), [...fields.path, 'url'], rules)
  if (!fields.has('file') && !fields.has('url')) {
    fields.missing('url', 'Give url, file, or both.', 'says nowhere where the events go')
  }
  return {
    file: file === undefined ? undefined : resolve(places.folder, file),
    url,
    token: hasToken(fields) ? await readSecret(fields, 'token', places) : undefined,
    namespace: fields.text('namespace') ?? 'stoker',
  }
}
