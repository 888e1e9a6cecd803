/** What of a server is read: the level of its exports, a Group and its changes, or a published manifest. */
import type { ExportLevel } from '../bulk/server/level.ts'
import type { ServerProfile } from '../bulk/server/profile.ts'
import type { ConfigFields } from './config-fields.ts'
import { type UrlRules, readUrl } from './config-url.ts'

export interface LevelConfig {
  /** `system` for a published manifest. */
  readonly level: ExportLevel
  /** For `level: published`: a static manifest that is read instead of asking for exports (STU4, `$bulk-publish`). */
  readonly manifestUrl: URL | undefined
}

export interface GroupChanges {
  /**
   * How the history of patients who join is had: the server sends it unasked, on being asked for these patients, or by a
   * whole export of the Group.
   */
  readonly newcomers: 'included' | 'patient' | 'group'
  /** Whether the rows of patients who left stay. */
  readonly leavers: 'keep' | 'remove'
}

/** Keys of an export that is asked for: a published manifest is as it is. */
const ASKING_KEYS = [
  'typeFilters',
  'elements',
  'includeAssociatedData',
  'organizeOutputBy',
  'allowPartialManifests',
] as const

/** Undefined when a mistake was reported. */
export function readLevel(fields: ConfigFields, profile: ServerProfile, rules: UrlRules): LevelConfig | undefined {
  const kind = fields.text('level')
  if (kind !== undefined && kind !== 'group') refuseKeys(fields, ['group', 'groupChanges'], kind, 'group')
  if (kind !== undefined && kind !== 'published') refuseKeys(fields, ['manifestUrl'], kind, 'published')
  switch (kind) {
    case 'group': {
      if (!fields.has('group')) fields.missing('group', 'Name the id of the Group to export.')
      refuseUnoffered(fields, profile, kind)
      const id = fields.text('group')
      return id === undefined ? undefined : { level: { kind, id }, manifestUrl: undefined }
    }
    case 'system':
    case 'patient':
      refuseUnoffered(fields, profile, kind)
      return { level: { kind }, manifestUrl: undefined }
    case 'published': {
      if (!fields.has('manifestUrl')) {
        fields.missing('manifestUrl', 'Give the URL of the published manifest, often [base]/$bulk-publish.')
      }
      for (const key of ASKING_KEYS.filter((each) => fields.has(each))) {
        fields.mistake(key, 'has no meaning at level published', 'Leave it out: a published manifest is as it is.')
      }
      const manifestUrl = readUrl(fields.text('manifestUrl'), [...fields.path, 'manifestUrl'], rules)
      return manifestUrl && { level: { kind: 'system' }, manifestUrl }
    }
    case undefined:
    default:
      return undefined
  }
}

/** By default newcomers as the server's profile says, and leavers go: the tables are what the Group holds now. */
export function readGroupChanges(source: ConfigFields, profile: ServerProfile): GroupChanges {
  const fields = source.child('groupChanges')
  const newcomers = fields.text('newcomers') as GroupChanges['newcomers'] | undefined
  if (newcomers === 'patient' && !profile.kickOff.reads.includes('patient')) {
    const problem = `servers of profile ${profile.name} do not read the parameter patient`
    fields.mistake('newcomers', problem, "Set 'group', or name another profile if this server reads it.")
  }
  return { newcomers: newcomers ?? profile.newcomers, leavers: fields.text('leavers') === 'keep' ? 'keep' : 'remove' }
}

function refuseKeys(fields: ConfigFields, keys: readonly string[], kind: string, wanted: string): void {
  for (const key of keys.filter((each) => fields.has(each))) {
    fields.mistake(key, `has no meaning at level ${kind}`, `Set level: ${wanted}, or leave it out.`)
  }
}

function refuseUnoffered(fields: ConfigFields, profile: ServerProfile, kind: 'system' | 'patient' | 'group'): void {
  const { levels } = profile.kickOff
  if (levels.includes(kind)) return
  const wayOut = `Set level: ${levels.join(' or ')}, or name another profile if this server has it.`
  fields.mistake('level', `servers of profile ${profile.name} have no export at level ${kind}`, wayOut)
}
