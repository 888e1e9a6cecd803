/** How much a command logs, and in which form. */
import { Option, type Command } from 'commander'
import { LOG_FORMATS, LOG_LEVELS, type LogFormat, type LogLevel } from '../app/log.ts'

export interface LogOptions {
  readonly logLevel: LogLevel
  readonly logFormat?: LogFormat
}

export function withLogOptions(command: Command, level: LogLevel): Command {
  return command
    .addOption(new Option('--log-level <level>', 'log lines on standard error').choices(LOG_LEVELS).default(level))
    .addOption(new Option('--log-format <format>', 'their form; pretty on a terminal, else json').choices(LOG_FORMATS))
}
