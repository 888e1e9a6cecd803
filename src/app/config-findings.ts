/** What is wrong with a configuration file, and where: collected, so that all of it is told at once. */
import { StokerError } from '../core/errors.ts'
import { type ConfigDocument, type ConfigPath, pathText } from './config-document.ts'
import { EXAMPLE_FILE, EXAMPLE_PROFILE } from './shown-path.ts'

export interface ConfigFinding {
  /** A mistake stops the start; a warning is for the operator to know. */
  readonly severity: 'mistake' | 'warning'
  /** The file as the operator named it. */
  readonly file: string
  readonly line: number
  readonly column: number
  /** `sources[0].auth.keyFile`; empty for the file as a whole. */
  readonly path: string
  /** What is wrong, in lower case and without a full stop. Never shows a value that may be a secret. */
  readonly problem: string
  /** What to do, in whole sentences. */
  readonly wayOut: string
}

/** What a check answers that knows nothing of places; the two texts are as in `ConfigFinding`. */
export type Trouble = readonly [problem: string, wayOut: string]

/** `CONFIG_INVALID` with every mistake of the file, and of the profiles it names. */
export class ConfigError extends StokerError {
  readonly mistakes: readonly ConfigFinding[]

  constructor(file: string, mistakes: readonly ConfigFinding[]) {
    const count = mistakes.length === 1 ? '1 mistake' : `${mistakes.length} mistakes`
    const files = [...new Set(mistakes.map((each) => each.file))]
    const head = `${count} in ${files.join(' and ')}`
    const examples = files.map((each) => (each === file ? EXAMPLE_FILE : EXAMPLE_PROFILE))
    super('CONFIG_INVALID', [head, ...mistakes.map((each) => `  ${findingText(each)}`)].join('\n'), {
      hint: `Correct each place named above; ${[...new Set(examples)].join(' and ')} shows every key.`,
      facts: { file, mistakes: mistakes.length },
    })
    this.mistakes = mistakes
  }
}

/** `stoker.yaml:12:14 sources[0].auth.keyFile: there is no such file. Make it …` */
export function findingText(finding: ConfigFinding): string {
  const { file, line, column, path, problem, wayOut } = finding
  return `${file}:${line}:${column} ${path === '' ? '' : `${path}: `}${problem}. ${wayOut}`
}

/** Collects the findings of one file. */
export class ConfigFindings {
  /** As the operator named it. */
  readonly file: string
  readonly #document: ConfigDocument
  readonly #all: ConfigFinding[] = []
  readonly #misshapen = new Set<string>()
  readonly #meant = new Set<string>()

  constructor(file: string, document: ConfigDocument) {
    this.file = file
    this.#document = document
    for (const each of document.syntaxMistakes) this.#all.push({ severity: 'mistake', file, path: '', ...each })
  }

  mistake(path: ConfigPath, problem: string, wayOut: string, of: 'value' | 'key' = 'value'): void {
    this.#add('mistake', path, problem, wayOut, of)
  }

  /** A mistake that makes the value at `path` useless for any further check. */
  misshapen(path: ConfigPath, problem: string, wayOut: string): void {
    this.#misshapen.add(pathText(path))
    this.#add('mistake', path, problem, wayOut, 'value')
  }

  /** A misspelt key was reported that stands for the one at `path`: that this is missing is no mistake of its own. */
  meant(path: ConfigPath): void {
    this.#meant.add(pathText(path))
  }

  isMeant(path: ConfigPath): boolean {
    return this.#meant.has(pathText(path))
  }

  /** Nothing stands at `path`. */
  missing(path: ConfigPath, wayOut: string, problem = 'is missing'): void {
    if (!this.isMeant(path)) this.mistake(path, problem, wayOut)
  }

  isMisshapen(path: ConfigPath): boolean {
    return this.#misshapen.has(pathText(path))
  }

  warning(path: ConfigPath, problem: string, wayOut: string): void {
    this.#add('warning', path, problem, wayOut, 'value')
  }

  /** Takes over what was found in another file, to be told with this one's. */
  adopt(other: ConfigFindings): void {
    this.#all.push(...other.#all)
  }

  /** Line of the file on which the value at `path` stands. */
  lineOf(path: ConfigPath): number {
    return this.#document.place(path).line
  }

  mistakes(): ConfigFinding[] {
    return this.#inOrder('mistake')
  }

  warnings(): ConfigFinding[] {
    return this.#inOrder('warning')
  }

  #inOrder(severity: ConfigFinding['severity']): ConfigFinding[] {
    const chosen = this.#all.filter((each) => each.severity === severity)
    const place = (file: string) => (file === this.file ? '' : file)
    return chosen.sort((a, b) => compare(place(a.file), place(b.file)) || a.line - b.line || a.column - b.column)
  }

  #add(
    severity: ConfigFinding['severity'],
    path: ConfigPath,
    problem: string,
    wayOut: string,
    of: 'value' | 'key',
  ): void {
    const place = this.#document.place(path, of)
    this.#all.push({ severity, file: this.file, ...place, path: pathText(path), problem, wayOut })
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
