/** The process's log: pino to standard error, as JSON lines or, for people, pretty ones. */
import pino from 'pino'
import pretty from 'pino-pretty'
import type { Log } from '../core/log.ts'

export const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug', 'trace'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

export const LOG_FORMATS = ['json', 'pretty'] as const
export type LogFormat = (typeof LOG_FORMATS)[number]

/** Last line of defence: no code of ours logs these, and if it did they would not show. */
const REDACTED = [
  'token',
  'authorization',
  'assertion',
  'secret',
  'url',
  '*.token',
  '*.authorization',
  '*.assertion',
  '*.secret',
  '*.url',
]

/** @param format pretty where it is undefined and standard error is a terminal */
export function makeLog(level: LogLevel, format: LogFormat = process.stderr.isTTY ? 'pretty' : 'json'): Log {
  const options = { level, base: null, redact: REDACTED, timestamp: pino.stdTimeFunctions.isoTime }
  if (format === 'json') return pino(options, pino.destination({ dest: 2, sync: true }))
  const colorize = process.stderr.isTTY
  return pino(options, pretty({ destination: 2, sync: true, colorize, translateTime: 'SYS:HH:MM:ss' }))
}
