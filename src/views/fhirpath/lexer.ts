/** FHIRPath text to tokens (FHIRPath N1, the grammar in its appendix). */
import { ViewError } from '../view-error.ts'

export type TokenKind =
  | 'name'
  | 'quoted name'
  | 'variable'
  | 'dollar'
  | 'string'
  | 'integer'
  | 'decimal'
  | 'date'
  | 'dateTime'
  | 'time'
  | 'symbol'
  | 'end'

export interface Token {
  readonly kind: TokenKind
  /** The token's meaning: a string without its quotes and escapes, a variable without `%`, a date without `@`. */
  readonly text: string
  /** Place in the text, from 1. */
  readonly at: number
}

const BLANK = /(?:\s|\/\/[^\n]*|\/\*[\s\S]*?\*\/)+/y
const TIME = String.raw`\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?`
const RULES: readonly (readonly [TokenKind, RegExp])[] = [
  ['name', /[A-Za-z_][A-Za-z0-9_]*/y],
  ['quoted name', /`(?:[^`\\]|\\.)*`/y],
  ['string', /'(?:[^'\\]|\\.)*'/y],
  ['variable', /%(?:[A-Za-z_][A-Za-z0-9_-]*|`(?:[^`\\]|\\.)*`|'(?:[^'\\]|\\.)*')/y],
  ['dollar', /\$(?:this|index|total)\b/y],
  ['dateTime', new RegExp(String.raw`@\d{4}(?:-\d\d(?:-\d\d)?)?T(?:${TIME}(?:Z|[+-]\d\d:\d\d)?)?`, 'y')],
  ['time', new RegExp(String.raw`@T${TIME}`, 'y')],
  ['date', /@\d{4}(?:-\d\d(?:-\d\d)?)?/y],
  ['decimal', /\d+\.\d+/y],
  ['integer', /\d+/y],
  ['symbol', /<=|>=|!=|!~|[.[\](){},+\-*/&|<>=~]/y],
]

/** @throws ViewError VIEW_SYNTAX at the first character that begins no token. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  let place = 0
  for (;;) {
    place += match(BLANK, text, place)?.length ?? 0
    if (place >= text.length) break
    const token = nextToken(text, place)
    tokens.push({ kind: token.kind, text: meaning(token.kind, token.text), at: place + 1 })
    place += token.text.length
  }
  tokens.push({ kind: 'end', text: '', at: text.length + 1 })
  return tokens
}

function nextToken(text: string, place: number): { kind: TokenKind; text: string } {
  for (const [kind, pattern] of RULES) {
    const found = match(pattern, text, place)
    if (found !== undefined) return { kind, text: found }
  }
  const begins = text[place]!
  const problem = begins === "'" || begins === '`' ? `a ${begins} that is not closed` : `${begins} has no meaning here`
  throw new ViewError('VIEW_SYNTAX', problem, { position: place + 1 })
}

function match(pattern: RegExp, text: string, place: number): string | undefined {
  pattern.lastIndex = place
  return pattern.exec(text)?.[0]
}

function meaning(kind: TokenKind, text: string): string {
  if (kind === 'string' || kind === 'quoted name') return unescaped(text.slice(1, -1))
  if (kind === 'variable') return /^%[`']/.test(text) ? unescaped(text.slice(2, -1)) : text.slice(1)
  if (kind === 'dateTime' || kind === 'date') return text.slice(1)
  return kind === 'time' ? text.slice(2) : text
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', f: '\f' }

function unescaped(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|(.))/g, (_, code: string | undefined, letter: string) =>
    code === undefined ? (ESCAPES[letter] ?? letter) : String.fromCharCode(Number.parseInt(code, 16)),
  )
}
