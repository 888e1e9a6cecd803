/** The logger's shape that everybody may use; `app/` makes the real one. Shapes and ids only, never content. */
export interface Log {
  trace(facts: Facts, message: string): void
  debug(facts: Facts, message: string): void
  info(facts: Facts, message: string): void
  warn(facts: Facts, message: string): void
  error(facts: Facts, message: string): void
}

type Facts = Readonly<Record<string, unknown>>

export const silentLog: Log = { trace() {}, debug() {}, info() {}, warn() {}, error() {} }

/** A log whose every line has these ids too. They are asked for at each line: a run may have got its number meanwhile. */
export function withIds(log: Log, ids: () => Facts): Log {
  const line = (level: keyof Log) => (facts: Facts, message: string) => log[level]({ ...ids(), ...facts }, message)
  return { trace: line('trace'), debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') }
}
