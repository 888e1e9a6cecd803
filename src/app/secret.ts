/** A secret that can't be printed by accident: only `reveal()` gives the text. */
import { inspect } from 'node:util'

const SHOWN = '[secret]'

/** Template strings, JSON, `util.inspect` and any logger built on them show `[secret]`. */
export class Secret {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  /** The text itself; call it where the secret is used, and keep the result in no object that may be printed. */
  reveal(): string {
    return this.#text
  }

  toString(): string {
    return SHOWN
  }

  toJSON(): string {
    return SHOWN
  }

  [inspect.custom](): string {
    return SHOWN
  }
}
