/** The version of this program, as its package says. */
import { readFileSync } from 'node:fs'

/** Relative to `src/app` and to `dist/app` alike. */
const PACKAGE = new URL('../../package.json', import.meta.url)

export const STOKER_VERSION = (JSON.parse(readFileSync(PACKAGE, 'utf8')) as { version: string }).version
