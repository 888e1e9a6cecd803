/** What clients asked of the demo server so far, counted by step: answered well or not. */

export interface DemoRequestLog {
  kickOffs: number
  polls: number
  cancels: number
  downloads: number
  tokens: number
  /** Downloads sent on to the storage, which are asked for again there. */
  redirects: number
  /** Downloads from the storage that came with a token. */
  authorizationAtStorage: number
  /** Pages of `$bulk-publish`. */
  publications: number
  /** `metadata` and `.well-known/smart-configuration`. */
  discoveries: number
  /** Method, path and query of every kick-off, oldest first. */
  readonly kickOffLines: string[]
}

export function emptyRequestLog(): DemoRequestLog {
  return {
    kickOffs: 0,
    polls: 0,
    cancels: 0,
    downloads: 0,
    tokens: 0,
    redirects: 0,
    authorizationAtStorage: 0,
    publications: 0,
    discoveries: 0,
    kickOffLines: [],
  }
}
