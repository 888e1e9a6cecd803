import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Folders and files that take longest, the longest first; what is not named comes after them. */
const SLOW = [
  'scenario/servers',
  'scenario/first-light',
  'views/generate',
  'page/browser',
  'scenario/secrecy',
  'model/',
  'scenario/changing-servers',
  'scenario/groups',
  'scenario/limits',
  'scenario/killed',
  'scenario/',
  'page/',
  'warehouse/',
  'service/',
  'analysis/',
  'http/',
  'views/',
  'cli/',
]

/** So that both workers are busy to the end: the short files fill what the long ones leave. */
class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const found = SLOW.findIndex((slow) => moduleId.includes(`/test/${slow}`))
      return found < 0 ? SLOW.length : found
    }
    return [...files].sort((a, b) => place(a) - place(b) || a.moduleId.localeCompare(b.moduleId))
  }
}

// Files run in worker processes, not threads: DuckDB's native code and real signals want a process of their own.
export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    // Files share the modules of their process, which are loaded once and not 130 times: no test alters what a module
    // holds.
    isolate: false,
    sequence: { sequencer: SlowestFirst },
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: ['default'],
  },
})
