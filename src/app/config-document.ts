/** The configuration file as a tree that still knows the line and column of each key and value. */
import { type Document, LineCounter, type Node, isAlias, isMap, isScalar, isSeq, parseDocument, visit } from 'yaml'
import { type SyntaxMistake, syntaxMistakes } from './config-syntax.ts'

export type ConfigPath = readonly (string | number)[]

/** Both counted from 1, as editors do. */
export interface Place {
  readonly line: number
  readonly column: number
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
    const loose = this.#looseAliases()
    const mistakes = [...syntaxMistakes(text, errors, (offset) => this.#placeAt(offset)), ...loose]
    if (errors.every((error) => error.code === 'DUPLICATE_KEY') && loose.length === 0) {
      try {
        this.value = this.#document.toJS({ maxAliasCount: ALIAS_UNFOLDINGS_MAX })
        this.readable = true
      } catch {
        mistakes.push({
          line: 1,
          column: 1,
          problem: 'its aliases (*name) unfold to far too much',
          wayOut: 'Write the repeated parts out.',
        })
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
        const wayOut = 'Put text that begins with * in quotes.'
        found.push({ ...this.#placeAt(rangeStart(node) ?? 0), problem: 'this alias (*name) is not defined', wayOut })
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
