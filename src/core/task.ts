/** The one contract for everything that runs beside something else: a schedule, a server, a watch. */
export interface Task {
  /** For logs: small letters, digits, hyphens. */
  readonly id: string
  /** Resolves when it has ended, which only stop() or an error of its own makes it do. Called once. */
  run(): Promise<void>
  /** Asks it to end, and resolves when it has. May be called before run(), during it, and again. */
  stop(): Promise<void>
}
