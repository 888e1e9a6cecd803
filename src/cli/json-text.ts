/** What a command gives to programs: JSON whose keys are snake_case, as the columns of the tables are. */
import { snakeKeys } from '../http/json-keys.ts'

/** Indented, ended by a line feed. Keys that begin with a capital (`Patient`) are names, and stay as they are. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, snakeKeys, 2)}\n`
}
