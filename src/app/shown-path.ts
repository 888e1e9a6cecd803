/** Paths as messages show them: short where they lie below the working directory, whole elsewhere. */
import { isAbsolute, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

export function shownPath(absolute: string): string {
  const short = relative('', absolute)
  return short === '' || short.startsWith('..') || isAbsolute(short) ? absolute : short
}

/** Relative to `src/app` and to `dist/app` alike. */
const CONFIG = new URL('../../config/', import.meta.url)

/** What shows every key of a configuration, and of a profile; they lie where Stoker is installed. */
export const EXAMPLE_FILE = shownPath(fileURLToPath(new URL('stoker.example.yaml', CONFIG)))
export const EXAMPLE_PROFILE = shownPath(fileURLToPath(new URL('profiles/standard.yaml', CONFIG)))

/** Definitions of data sets to begin with: an absolute folder. */
export const EXAMPLE_DATASETS = fileURLToPath(new URL('datasets', CONFIG))
