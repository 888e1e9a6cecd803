/** How the demo server departs from the plain way: every fault and limit is a value here that a step consults. */
import { StokerError } from '../core/errors.ts'
import { CONTENT_CHECKS, PLAIN_CONTENT, type ContentBehaviour } from './behaviour/content-behaviour.ts'
import { FILE_CHECKS, PLAIN_FILE, type FileBehaviour } from './behaviour/file-behaviour.ts'
import { KICK_OFF_CHECKS, PLAIN_KICK_OFF, type KickOffBehaviour } from './behaviour/kick-off-behaviour.ts'
import { MANIFEST_CHECKS, PLAIN_MANIFEST, type ManifestBehaviour } from './behaviour/manifest-behaviour.ts'
import { PLAIN_STATUS, STATUS_CHECKS, type StatusBehaviour } from './behaviour/status-behaviour.ts'
import { PLAIN_TOKEN, TOKEN_CHECKS, type TokenBehaviour } from './behaviour/token-behaviour.ts'
import type { Checks } from './behaviour/checks.ts'

export interface DemoBehaviour
  extends KickOffBehaviour, TokenBehaviour, StatusBehaviour, ContentBehaviour, ManifestBehaviour, FileBehaviour {}

export const PLAIN_BEHAVIOUR: Readonly<DemoBehaviour> = {
  ...PLAIN_KICK_OFF,
  ...PLAIN_TOKEN,
  ...PLAIN_STATUS,
  ...PLAIN_CONTENT,
  ...PLAIN_MANIFEST,
  ...PLAIN_FILE,
}

const CHECKS: Checks<DemoBehaviour> = {
  ...KICK_OFF_CHECKS,
  ...TOKEN_CHECKS,
  ...STATUS_CHECKS,
  ...CONTENT_CHECKS,
  ...MANIFEST_CHECKS,
  ...FILE_CHECKS,
}

/** The checked form of JSON that came over the control endpoint. Throws DEMO_BEHAVIOUR_INVALID naming the key. */
export function parseBehaviour(json: unknown): Partial<DemoBehaviour> {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw invalid('a JSON object is needed')
  for (const [key, value] of Object.entries(json)) {
    if (!Object.hasOwn(CHECKS, key)) throw invalid(`there is no "${key}"; known are ${Object.keys(CHECKS).join(', ')}`)
    const check = CHECKS[key as keyof DemoBehaviour]
    if (!check(value)) throw invalid(`"${key}" has a value it cannot take; it takes ${check.takes}`)
  }
  return json
}

function invalid(what: string): StokerError {
  return new StokerError('DEMO_BEHAVIOUR_INVALID', `The behaviour is not usable: ${what}.`)
}
