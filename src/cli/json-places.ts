/** Where in a JSON text the value of a path like `select[0].column[2].path` stands. */
import { LineCounter, parseDocument, type Document } from 'yaml'

export interface JsonPlace {
  /** From 1. */
  readonly line: number
  /** From 1. */
  readonly column: number
}

export class JsonPlaces {
  private readonly lines = new LineCounter()
  private readonly document: Document

  constructor(text: string) {
    // JSON is YAML, and this reader keeps the places of what it reads.
    this.document = parseDocument(text, { lineCounter: this.lines })
  }

  /** Of what is not there, the nearest thing around it; the beginning where there is none. */
  of(path: string): JsonPlace {
    const steps = [...path.matchAll(/([^.[\]]+)/g)].map(([step]) => (/^\d+$/.test(step) ? Number(step) : step))
    for (let length = steps.length; length > 0; length -= 1) {
      const node = this.document.getIn(steps.slice(0, length), true) as { range?: readonly number[] | null } | undefined
      const start = node?.range?.[0]
      if (start === undefined) continue
      return this.at(start)
    }
    return { line: 1, column: 1 }
  }

  /** @param offset in the text, from 0 */
  at(offset: number): JsonPlace {
    const { line, col } = this.lines.linePos(offset)
    return { line, column: col }
  }
}
