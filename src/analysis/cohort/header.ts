/** The head of a cohort's file: comments that are data. */
import { nearestName } from '../../core/nearest-name.ts'
import type { CohortCode, CohortParameter } from './definition.ts'
import { PARAMETER_SHAPE, readParameter } from './parameter-text.ts'

export interface Header {
  readonly title: string
  readonly description: string
  readonly simplified: string | undefined
  readonly codes: readonly CohortCode[]
  readonly parameters: readonly CohortParameter[]
  /** Where each parameter stands in the file, by its name. */
  readonly parameterLines: ReadonlyMap<string, number>
}

export type Complain = (line: number, message: string, wayOut: string) => void

const KEYS = ['title', 'description', 'simplified', 'codes', 'parameter'] as const
type Key = (typeof KEYS)[number]

/** As they are named in headers. */
const CODE_SYSTEMS = [
  'SNOMED CT',
  'LOINC',
  'RxNorm',
  'ICD-10-CM',
  'ICD-10-PCS',
  'ICD-9-CM',
  'CPT',
  'HCPCS',
  'CVX',
  'NDC',
  'ATC',
  'HL7',
] as const

interface Entry {
  readonly key: Key
  readonly line: number
  /** The first may be empty; the others are continued lines. */
  readonly texts: { readonly line: number; readonly text: string }[]
}

/** @param lines each begins with `--`; the first is line 1 of the file */
export function readHeader(lines: readonly string[], complain: Complain): Header {
  const entries = readEntries(lines, complain)
  const first = (key: Key) => {
    const [entry, again] = entries.filter((each) => each.key === key)
    if (again !== undefined) complain(again.line, `${key} is there twice`, `the first is in line ${entry!.line}`)
    return entry === undefined ? undefined : joined(entry)
  }
  const wanted = (key: Key, wayOut: string) => {
    const text = first(key)
    if (!text) complain(1, `there is no ${key}`, wayOut)
    return text ?? ''
  }
  const title = wanted('title', 'begin the file with -- title: what people call this cohort')
  const description = wanted('description', 'add -- description: who is a member, in clinical words')
  const simplified = first('simplified')
  first('codes')
  const parameterLines = new Map<string, number>()
  const parameters = entries.filter(({ key }) => key === 'parameter').flatMap((entry) => parameterOf(entry))
  return { title, description, simplified, codes: codesIn(entries, complain), parameters, parameterLines }

  function parameterOf(entry: Entry): CohortParameter[] {
    const read = readParameter(joined(entry))
    if ('message' in read) {
      complain(entry.line, read.message, read.wayOut)
      return []
    }
    const before = parameterLines.get(read.name)
    if (before !== undefined)
      complain(entry.line, `parameter ${read.name} is there twice`, `the first is in line ${before}`)
    parameterLines.set(read.name, entry.line)
    return [read]
  }
}

function readEntries(lines: readonly string[], complain: Complain): Entry[] {
  const entries: Entry[] = []
  for (const [index, text] of lines.entries()) {
    const line = index + 1
    const rest = text.slice(2).trimEnd()
    if (rest === '') continue
    const [, key, after] = /^ (?:(title|description|simplified|codes):|(parameter)(?=\s|$))(.*)$/
      .exec(rest)
      ?.flatMap((each, n) => (n > 0 && each === undefined ? [] : [each])) ?? [undefined, undefined, undefined]
    const last = entries.at(-1)
    if (key !== undefined) entries.push({ key: key as Key, line, texts: [{ line, text: after!.trim() }] })
    else if (/^\s{2}/.test(rest) && last !== undefined) last.texts.push({ line, text: rest.trim() })
    else complain(line, 'is neither a key nor the going on of one', unknownHint(rest))
  }
  return entries
}

function unknownHint(rest: string): string {
  const word = /^\s*([A-Za-z]+)/.exec(rest)?.[1]
  const near = word === undefined ? undefined : nearestName(word, KEYS)
  if (near !== undefined) return `did you mean ${near === 'parameter' ? PARAMETER_SHAPE : `-- ${near}:`}`
  return 'keys are title:, description:, simplified:, codes: and parameter; more text of one begins with two blanks or more; other comments go below an empty line'
}

function joined({ texts }: Entry): string {
  return texts
    .map(({ text }) => text)
    .filter((text) => text !== '')
    .join(' ')
}

function codesIn(entries: readonly Entry[], complain: Complain): CohortCode[] {
  const lines = entries.filter(({ key }) => key === 'codes').flatMap(({ texts }) => texts)
  return lines.flatMap(({ line, text }) => {
    if (text === '') return []
    const system = CODE_SYSTEMS.find((each) => text.startsWith(`${each} `))
    const [, code, display] = /^\s*(\S+)\s+(\S.*)$/.exec(system === undefined ? '' : text.slice(system.length)) ?? []
    if (system !== undefined && code !== undefined) return [{ system, code, display: display! }]
    complain(line, 'is no code', `write SYSTEM CODE and what it says; systems are ${CODE_SYSTEMS.join(', ')}`)
    return []
  })
}
