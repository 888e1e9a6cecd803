/** An export as it was asked for and granted: what a job is made from. */
import type { ReadableTypes } from '../token/access-tokens.ts'
import type { Exchange } from '../exchange.ts'
import { Refusal } from '../refusal.ts'
import type { DemoState } from '../steps.ts'
import type { CutFilter } from '../store.ts'
import type { AskedParameter } from './asked-parameters.ts'
import { readParameters, type ExportParameters, type Objection } from './export-parameters.ts'
import { cutFilter, type ExportAddress } from './export-scope.ts'
import { requireOrganization } from './offer.ts'
import type { Preferences } from './preferences.ts'

export interface ExportOrder {
  /** The kick-off's URL, as the manifest repeats it. */
  readonly request: string
  /** Equal for requests that ask the same. */
  readonly likeness: string
  readonly address: ExportAddress
  readonly parameters: ExportParameters
  readonly filter: CutFilter
  readonly separateStatus: boolean
  /** Its job is never done. */
  readonly isEndless: boolean
  /** What was ignored because the client wants lenience. */
  readonly warnings: readonly string[]
}

/** @throws Refusal for what the server does not do, or the token does not allow. */
export function exportOrder(
  state: DemoState,
  exchange: Exchange,
  asked: { address: ExportAddress; parameters: readonly AskedParameter[]; preferences: Preferences },
  readable: ReadableTypes,
): ExportOrder {
  const { behaviour, knowsType } = state
  const { address, preferences } = asked
  const warnings: string[] = []
  const object: Objection = (issue, message) => {
    if (!preferences.lenient) throw new Refusal(400, issue, message)
    warnings.push(message)
  }
  const parameters = readParameters(asked.parameters, { behaviour, knowsType, object })
  requireOrganization(address, parameters.organized, behaviour)
  const types = permitted(parameters.types, readable)
  const filter = cutFilter(state, address, { ...parameters, types }, object)
  return {
    request: exchange.url.href,
    likeness: likeness(exchange, asked.parameters),
    address,
    parameters,
    filter,
    isEndless: parameters.badSince || (behaviour.neverDoneFor.includes('empty-group') && isOfNobody(filter)),
    separateStatus: preferences.separateStatus && behaviour.separateExportStatus,
    warnings,
  }
}

function isOfNobody({ scope }: CutFilter): boolean {
  return scope.level === 'group' && scope.members.size === 0
}

function likeness({ url }: Exchange, parameters: readonly AskedParameter[]): string {
  const pairs = parameters.map(({ name, value }) => JSON.stringify([name, value])).sort()
  return [url.pathname, ...pairs].join(' ')
}

function permitted(asked: ReadonlySet<string> | undefined, readable: ReadableTypes): ReadonlySet<string> | undefined {
  if (readable === 'all') return asked
  const refused = [...(asked ?? [])].filter((type) => !readable.has(type))
  if (refused.length > 0) throw new Refusal(403, 'forbidden', `The token's scope leaves out ${refused.join(', ')}.`)
  return asked ?? readable
}
