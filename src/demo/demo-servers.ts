/** Servers of the field as behaviours: what is known of each, as far as a client notices it. */
import { StokerError } from '../core/errors.ts'
import { PLAIN_BEHAVIOUR, type DemoBehaviour } from './behaviour.ts'

export type DemoServerName =
  'reference' | 'medplum' | 'hapi' | 'epic' | 'oracle' | 'google' | 'azure' | 'bcda' | 'group-only'

const HOUR_SECONDS = 3600

/** What is left out stays as it is. Troubles that come now and then are there every time; those that never end are not. */
export const DEMO_SERVERS: Readonly<Record<DemoServerName, Readonly<Partial<DemoBehaviour>>>> = {
  /** smart-on-fhir/bulk-data-server 2.1, with its limit of calls. */
  reference: {
    exactAccept: true,
    unknownGroup: 'empty',
    chattyPolls: true,
    partialPageFiles: 10,
    separateExportStatus: false,
    unauthorizedForm: 'html',
    callsPerMinute: 60,
    counts: 'wrong',
    oddEntries: ['empty', 'continues-nowhere'],
    muddledDeletions: true,
    versionMeta: false,
    urlLifeSeconds: HOUR_SECONDS,
  },
  /** Medplum 5.0 reads `_type` and `_since` and nothing else. */
  medplum: {
    parametersFrom: 'query',
    ignoredParameters: [
      '_until',
      '_typeFilter',
      '_elements',
      'patient',
      'includeAssociatedData',
      'organizeOutputBy',
      'allowPartialManifests',
      '_outputFormat',
    ],
    groupPost: false,
    separateExportStatus: false,
    scopeForbids: true,
    retryAfter: 'absent',
    progress: false,
    neverDoneFor: ['bad-since', 'empty-group'],
    readsAt: 'poll',
    transactionTime: 'end',
    deletes: 'never',
    ownTypes: true,
    manifestOmits: ['count'],
    malformedRequest: true,
    firstElement: 'meta',
    fileHost: 'storage',
    urlSigning: 'each-poll',
    urlLifeSeconds: HOUR_SECONDS,
  },
  hapi: {
    lists: 'comma',
    reuseJobs: true,
    groupSince: 'changed-patients',
    separateExportStatus: false,
    transactionTime: 'end',
    blankLines: 1,
    manifestOmits: ['error', 'output', 'request', 'requiresAccessToken'],
    fileForm: 'binary',
    releaseStatus: 404,
  },
  epic: { ignoredParameters: ['_since'], jobsAtOnce: 1, tokenFailures: 1, versionMeta: false },
  oracle: {
    lists: 'comma',
    refusedParameters: ['_elements', 'patient'],
    maxLinesPerFile: 25,
    duplicateIds: true,
    tokenFlag: 'true',
    fileRedirect: true,
    fileFailures: { status: 502, times: 1 },
  },
  google: { requireOrganized: true },
  azure: { duplicateIds: true, fileHost: 'storage', urlLifeSeconds: 24 * HOUR_SECONDS },
  /** Comes with a client id and secret, which are the server's `auth`. */
  bcda: { groupSince: 'changed', urlLifeSeconds: 24 * HOUR_SECONDS },
  /** A vendor's API that has Groups alone. */
  'group-only': {
    levels: ['group'],
    pastDayOnly: true,
    birthDateTimes: true,
    firstElement: 'id',
    manifestExtension: true,
    outcomeType: 'application/json',
  },
}

/** The whole behaviour of a server by its name. Throws DEMO_SERVER_UNKNOWN naming those there are. */
export function behaviourLike(name: unknown): DemoBehaviour {
  if (typeof name === 'string' && Object.hasOwn(DEMO_SERVERS, name)) {
    return { ...PLAIN_BEHAVIOUR, ...DEMO_SERVERS[name as DemoServerName] }
  }
  const known = Object.keys(DEMO_SERVERS).join(', ')
  throw new StokerError('DEMO_SERVER_UNKNOWN', `There is no server of this name to be like; known are ${known}.`)
}
