/** A glance at the beginning of a JSON text: whether it is JSON as far as it goes, and what kind of resource it is. */

export interface Glance {
  /** `whole`: its first value ends within the bytes; `open`: it goes on; `wrong`: it is no JSON. */
  readonly state: 'whole' | 'open' | 'wrong'
  /** How far it was read. */
  readonly end: number
  readonly resourceType: string | undefined
  /** Of a Binary. */
  readonly contentType: string | undefined
  /** The beginning of a Binary's base64, at most {@link DATA_CHARS}. */
  readonly data: string | undefined
  /** It has `entry` as a Bundle has, whose resourceType may come after it (Google sorts the keys). */
  readonly hasEntries: boolean
}

const DATA_CHARS = 64
const ENTRY_KEYS: ReadonlySet<string> = new Set(['fullUrl', 'resource', 'search', 'request', 'response'])

type Expected = 'value' | 'value or end' | 'key' | 'key or end' | 'colon' | 'comma or end'

const OBJECT = 0x7b
const ARRAY = 0x5b
const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a

/** Reads until the end of the first value, of the bytes, or of what is JSON (RFC 8259). */
export function glance(bytes: Buffer, from: number): Glance {
  const found: { -readonly [Key in keyof Omit<Glance, 'state' | 'end'>]: Glance[Key] } = {
    resourceType: undefined,
    contentType: undefined,
    data: undefined,
    hasEntries: false,
  }
  const open: number[] = []
  let expected: Expected = 'value'
  let topKey = ''
  let i = from
  const done = (state: Glance['state']): Glance => ({ state, end: i, ...found })

  for (;;) {
    while (isBlank(bytes[i])) i += 1
    const byte = bytes[i]
    if (byte === undefined) return done('open')
    const mayEnd = expected === 'value or end' || expected === 'key or end' || expected === 'comma or end'
    if (mayEnd && byte === (open.at(-1) === OBJECT ? 0x7d : 0x5d)) {
      open.pop()
      i += 1
      if (open.length === 0) return done('whole')
      expected = 'comma or end'
    } else if (expected === 'colon' || expected === 'comma or end') {
      if (byte !== (expected === 'colon' ? COLON : COMMA)) return done('wrong')
      expected = expected === 'colon' || open.at(-1) === ARRAY ? 'value' : 'key'
      i += 1
    } else if (byte === QUOTE) {
      const end = stringEnd(bytes, i)
      if (end === 'wrong') return done('wrong')
      const isKey: boolean = expected === 'key' || expected === 'key or end'
      if (!isKey && open.length === 1 && topKey === 'data') {
        found.data = bytes.toString('latin1', i + 1, Math.min(end ?? bytes.length, i + 1 + DATA_CHARS))
      }
      if (end === undefined) return done('open')
      if (isKey && open.length === 1) topKey = textOf(bytes, i, end)
      if (isKey && open.length === 3 && topKey === 'entry' && open[1] === ARRAY) {
        found.hasEntries ||= ENTRY_KEYS.has(textOf(bytes, i, end))
      }
      if (!isKey && open.length === 1 && (topKey === 'resourceType' || topKey === 'contentType')) {
        found[topKey] = textOf(bytes, i, end)
      }
      i = end
      if (!isKey && open.length === 0) return done('whole')
      expected = isKey ? 'colon' : 'comma or end'
    } else if (expected === 'key' || expected === 'key or end') {
      return done('wrong')
    } else if (byte === OBJECT || byte === ARRAY) {
      open.push(byte)
      expected = byte === OBJECT ? 'key or end' : 'value or end'
      i += 1
    } else {
      const end = wordEnd(bytes, i)
      if (end === bytes.length) return done('open')
      if (!WORD.test(bytes.toString('latin1', i, end))) return done('wrong')
      i = end
      if (open.length === 0) return done('whole')
      expected = 'comma or end'
    }
  }
}

const WORD = /^(true|false|null|-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?)$/

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

/** The place after the closing quote; undefined where the bytes end before it. */
function stringEnd(bytes: Buffer, start: number): number | 'wrong' | undefined {
  for (let i = start + 1; i < bytes.length; i += 1) {
    const byte = bytes[i]!
    if (byte === QUOTE) return i + 1
    if (byte < 0x20) return 'wrong'
    if (byte === BACKSLASH) i += 1
  }
  return undefined
}

function textOf(bytes: Buffer, start: number, end: number): string {
  try {
    return JSON.parse(bytes.toString('utf8', start, end)) as string
  } catch {
    return ''
  }
}

function wordEnd(bytes: Buffer, start: number): number {
  let i = start
  while (i < bytes.length && /[-+.\w]/.test(String.fromCharCode(bytes[i]!))) i += 1
  return i === start ? start + 1 : i
}
