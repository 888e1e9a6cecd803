/** The process's log: pino to standard error, JSON lines or, on a terminal, pretty ones. */
import pino from 'pino'
import pretty from 'pino-pretty'
import type { Log } from '../core/log.ts'

export type LogLevel = 'silent' | 'error' | 'warn' | 'info' | 'debug'

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

export type LogFormat = 'json' | 'pretty'

/** @param format by default pretty on a terminal, and JSON elsewhere */
export function makeLog(level: LogLevel, format: LogFormat = process.stderr.isTTY ? 'pretty' : 'json'): Log {
  const options = { level, base: null, redact: REDACTED, timestamp: pino.stdTimeFunctions.isoTime }
  if (format === 'json') return pino(options, pino.destination({ dest: 2, sync: true }))
  return pino(options, pretty({ destination: 2, sync: true, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss' }))
}
