/** The configuration file as a tree that still knows the line and column of each key and value. */
import { type Document, LineCounter, type Node, isAlias, isMap, isScalar, isSeq, parseDocument, visit } from 'yaml'

export type ConfigPath = readonly (string | number)[]

/** Both counted from 1, as editors do. */
export interface Place {
  readonly line: number
  readonly column: number
}

export interface SyntaxMistake extends Place {
  readonly problem: string
  readonly wayOut: string
}

export class ConfigDocument {
  readonly syntaxMistakes: readonly SyntaxMistake[]
  /** False when the text is so broken that its tree means nothing. */
  readonly readable: boolean = false
  /** Plain objects, arrays and scalars; undefined when not readable. */
  readonly value: unknown
  readonly #document: Document.Parsed
  readonly #lines = new LineCounter()

  constructor(text: string) {
    // prettyErrors would quote the lines around a mistake, and one of them may hold a secret.
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false })
    const errors = [...this.#document.errors, ...this.#document.warnings]
    const mistakes = errors.map((error) => ({ ...this.#placeAt(error.pos[0]), ...syntaxWords(error.code) }))
    mistakes.push(...this.#looseAliases())
    if (errors.every((error) => error.code === 'DUPLICATE_KEY') && mistakes.length === errors.length) {
      try {
        this.value = this.#document.toJS({ maxAliasCount: ALIAS_UNFOLDINGS_MAX })
        this.readable = true
      } catch {
        mistakes.push({ line: 1, column: 1, ...syntaxWords('ALIAS_COUNT') })
      }
    }
    this.syntaxMistakes = mistakes
  }

  /** Where the value at `path` (or its key) stands; for a path that is not there, where its nearest parent stands. */
  place(path: ConfigPath, of: 'value' | 'key' = 'value'): Place {
    let node: unknown = this.#document.contents
    let offset = rangeStart(node) ?? 0
    for (const [index, step] of path.entries()) {
      const isLast = index === path.length - 1
      const holder: unknown = isAlias(node) ? node.resolve(this.#document) : node
      if (isMap(holder)) {
        const pair = holder.items.find((item) => isScalar(item.key) && String(item.key.value) === String(step))
        if (!pair) break
        offset = (isLast && of === 'key' ? undefined : rangeStart(pair.value)) ?? rangeStart(pair.key) ?? offset
        node = pair.value
      } else if (isSeq(holder)) {
        node = holder.items[Number(step)]
        if (node === undefined) break
        offset = rangeStart(node) ?? offset
      } else break
    }
    return this.#placeAt(offset)
  }

  #looseAliases(): SyntaxMistake[] {
    const found: SyntaxMistake[] = []
    visit(this.#document, {
      Alias: (_key, node) => {
        if (node.resolve(this.#document)) return
        found.push({ ...this.#placeAt(rangeStart(node) ?? 0), ...syntaxWords('BAD_ALIAS') })
      },
    })
    return found
  }

  #placeAt(offset: number): Place {
    const { line, col } = this.#lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
}

/** `sources[0].auth.keyFile` */
export function pathText(path: ConfigPath): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`
    return text === '' ? step : `${text}.${step}`
  }, '')
}

function rangeStart(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0]
}

/** A few lines of aliases of aliases unfold to gigabytes; nobody's configuration needs as many as this. */
const ALIAS_UNFOLDINGS_MAX = 100

const SYNTAX_WORDS: Readonly<Record<string, readonly [problem: string, wayOut: string]>> = {
  ALIAS_COUNT: ['its aliases (*name) unfold to far too much', 'Write the repeated parts out.'],
  ALIAS_PROPS: ['an alias (*name) can carry no anchor or tag', 'Remove the anchor or tag.'],
  BAD_ALIAS: ['this alias (*name) is not defined', 'Put text that begins with * in quotes.'],
  BAD_DQ_ESCAPE: ['a backslash in double quotes begins an escape YAML does not know', 'Use single quotes, or \\\\.'],
  BAD_INDENT: ['the indentation does not fit the lines above', 'Indent the keys of one block by the same spaces.'],
  BAD_SCALAR_START: ['plain text can not begin with this character', 'Put the text in quotes.'],
  BLOCK_AS_IMPLICIT_KEY: ['a block can not begin here', 'Put it on the next line, indented; or quote text with ": ".'],
  DUPLICATE_KEY: ['this key stands here twice', 'Keep one of them.'],
  IMPOSSIBLE: ['the text is no YAML', 'Look at this line and the one above.'],
  MISSING_CHAR: ['a character is missing here', 'Close the quote or bracket, or put a space after the colon or dash.'],
  MULTILINE_IMPLICIT_KEY: ['a key is spread over several lines', 'Look for a missing colon in the line above.'],
  MULTIPLE_DOCS: ['a second document begins here', 'Remove the line with --- or what follows it.'],
  TAB_AS_INDENT: ['a tab is used for indentation', 'Use spaces.'],
  TAG_RESOLVE_FAILED: ['this tag (!name) is not known', 'Put text that begins with ! in quotes.'],
  UNEXPECTED_TOKEN: ['YAML expects something else here', 'Look at colons, quotes and indentation here and above.'],
}

function syntaxWords(code: string): { problem: string; wayOut: string } {
  const [problem, wayOut] = SYNTAX_WORDS[code] ?? ['the text is no valid YAML', 'Look at this line and the one above.']
  return { problem, wayOut }
}
