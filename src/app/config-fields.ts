/** One mapping of the configuration, read key by key; a value of the wrong shape, already reported, reads as absent. */
import type { ConfigPath } from './config-document.ts'
import type { ConfigFindings } from './config-findings.ts'

export class ConfigFields {
  readonly path: ConfigPath
  readonly findings: ConfigFindings
  readonly #values: Readonly<Record<string, unknown>>

  constructor(value: unknown, path: ConfigPath, findings: ConfigFindings) {
    this.path = path
    this.findings = findings
    this.#values = isMapping(value) ? value : {}
  }

  has(key: string): boolean {
    return Object.hasOwn(this.#values, key)
  }

  /** Whether the value of `key` (of the whole mapping, for '') was reported as useless. */
  isMisshapen(key: string): boolean {
    return this.findings.isMisshapen(key === '' ? this.path : [...this.path, key])
  }

  text(key: string): string | undefined {
    const value = this.#sound(key)
    return typeof value === 'string' ? value : undefined
  }

  number(key: string): number | undefined {
    const value = this.#sound(key)
    return typeof value === 'number' ? value : undefined
  }

  /** In the order of the file; unknown ones too. */
  keys(): string[] {
    return Object.keys(this.#values)
  }

  flag(key: string): boolean | undefined {
    const value = this.#sound(key)
    return typeof value === 'boolean' ? value : undefined
  }

  /** The texts of a list, each with its path; entries of another shape are left out. */
  texts(key: string): { readonly text: string; readonly path: ConfigPath }[] {
    return this.#items(key).flatMap((item, index) => {
      const path = [...this.path, key, index]
      return typeof item === 'string' && !this.findings.isMisshapen(path) ? [{ text: item, path }] : []
    })
  }

  /** The numbers of a list. */
  numbers(key: string): number[] {
    return this.#items(key).filter((item) => typeof item === 'number')
  }

  child(key: string): ConfigFields {
    return new ConfigFields(this.#sound(key), [...this.path, key], this.findings)
  }

  children(key: string): ConfigFields[] {
    return this.#items(key).map((item, index) => new ConfigFields(item, [...this.path, key, index], this.findings))
  }

  mistake(key: string, problem: string, wayOut: string): void {
    this.findings.mistake([...this.path, key], problem, wayOut)
  }

  missing(key: string, wayOut: string, problem?: string): void {
    this.findings.missing([...this.path, key], wayOut, problem)
  }

  /** Whether a misspelt key stands for this one, and was reported. */
  isMeant(key: string): boolean {
    return this.findings.isMeant([...this.path, key])
  }

  warning(key: string, problem: string, wayOut: string): void {
    this.findings.warning([...this.path, key], problem, wayOut)
  }

  #items(key: string): readonly unknown[] {
    const value = this.#sound(key)
    return Array.isArray(value) ? value : []
  }

  #sound(key: string): unknown {
    if (!this.has(key) || this.isMisshapen(key)) return undefined
    return this.#values[key]
  }
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
