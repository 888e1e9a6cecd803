/** What the server offers and insists on before it reads a parameter: levels, methods, headers. */
import type { KickOffBehaviour } from '../behaviour/kick-off-behaviour.ts'
import type { Exchange } from '../exchange.ts'
import { Refusal } from '../refusal.ts'
import type { ExportAddress } from './export-scope.ts'
import type { Preferences } from './preferences.ts'

const FHIR_JSON = 'application/fhir+json'

/** @throws Refusal (404) for a level, or a method at a level, that is not there. */
export function requireOffered(exchange: Exchange, { level }: ExportAddress, behaviour: KickOffBehaviour): void {
  const { levels, groupPost } = behaviour
  if (!levels.includes(level)) throw new Refusal(404, 'not-supported', `There is no export at ${level} level.`)
  if (level === 'group' && !groupPost && exchange.request.method === 'POST') {
    throw new Refusal(404, 'not-found', 'A Group is exported by GET only.')
  }
}

/** @throws Refusal (400) without the headers that the server wants to see. */
export function requireHeaders(exchange: Exchange, preferences: Preferences, behaviour: KickOffBehaviour): void {
  if (behaviour.requirePrefer && !preferences.respondAsync) {
    throw new Refusal(400, 'required', 'An export needs the header Prefer: respond-async.')
  }
  const accept = exchange.header('accept')
  if (behaviour.exactAccept ? accept.trim() !== FHIR_JSON : !accept.includes(FHIR_JSON)) {
    throw new Refusal(400, 'not-supported', `An export needs the header Accept: ${FHIR_JSON}.`)
  }
}

/** @throws Refusal (400) for a Group export by type, where the server makes none. */
export function requireOrganization({ level }: ExportAddress, organized: boolean, behaviour: KickOffBehaviour): void {
  if (behaviour.requireOrganized && level === 'group' && !organized) {
    throw new Refusal(400, 'required', 'The export of a Group needs organizeOutputBy=Patient.')
  }
}
