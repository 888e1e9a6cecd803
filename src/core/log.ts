/** The logger's shape that everybody may use; `app/` makes the real one. Shapes and ids only, never content. */
export interface Log {
  debug(facts: Record<string, unknown>, message: string): void
  info(facts: Record<string, unknown>, message: string): void
  warn(facts: Record<string, unknown>, message: string): void
  error(facts: Record<string, unknown>, message: string): void
}

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} }
