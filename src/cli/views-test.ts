/** `stoker views test`: files of the official SQL on FHIR test suite's form, and the official report. */
import type { DuckDBConnection } from '@duckdb/node-api'
import { Command } from 'commander'
import { readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { StokerError } from '../core/errors.ts'
import type { Action } from './action.ts'
import { EXIT } from './exit-code.ts'
import { withScratchDatabase } from './scratch-database.ts'
import { caseProblem, resourcesOf, type SuiteCase } from './suite-case.ts'

/** The suite's own form of a report: by file name, each test with what came of it. */
export type SuiteReport = Readonly<Record<string, { readonly tests: readonly TestResult[] }>>

interface TestResult {
  readonly name: string
  readonly result: { readonly passed: boolean; readonly reason?: string }
}

export function viewsTestCommand(perform: (action: Action) => Promise<void>): Command {
  return new Command('test')
    .description('run test files of the SQL on FHIR suite: which cases pass, and why the others do not')
    .argument('<folder>', 'with the suite’s *.json')
    .option('--report <file>', 'where the report goes, as the suite asks for it (test_report.json)')
    .option('--json', 'the report on the standard output')
    .addHelpText(
      'after',
      `
Examples:
  stoker views test sql-on-fhir/tests
  stoker views test my-cases --report test_report.json

Views are read by the specification's own rules: an element that does not exist is empty, and several values where one
is promised are an error of the query. Exit code 3 when a case does not pass.`,
    )
    .action((folder: string, { report, json }: { report?: string; json?: true }) =>
      perform(async () => {
        const results = await withScratchDatabase((connection) => runFolder(connection, folder))
        const text = `${JSON.stringify(results, null, 2)}\n`
        if (report !== undefined) await writeFile(report, text)
        process.stdout.write(json ? text : summary(results))
        return failures(results).length === 0 ? EXIT.done : EXIT.failed
      }),
    )
}

async function runFolder(connection: DuckDBConnection, folder: string): Promise<SuiteReport> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort()
  const report: Record<string, { tests: TestResult[] }> = {}
  for (const name of names) {
    const text = await readFile(join(folder, name), 'utf8')
    const cases = casesOf(text, name)
    if (cases === undefined) continue
    const from = resourcesOf(text)
    report[name] = { tests: [] }
    for (const one of cases) {
      const reason = await caseProblem(connection, one, from)
      const result = reason === undefined ? { passed: true } : { passed: false, reason }
      report[name].tests.push({ name: one.title, result })
    }
  }
  if (Object.keys(report).length === 0)
    throw new StokerError('VIEWS_SUITE', `${folder} has no file of the suite's form`, {
      hint: 'a file is {"title", "resources": [...], "tests": [{"title", "view", "expect": [...]}]}',
    })
  return report
}

/** Undefined for another kind of JSON, which is passed over. */
function casesOf(text: string, name: string): readonly SuiteCase[] | undefined {
  try {
    const { tests } = JSON.parse(text) as { tests?: unknown }
    return Array.isArray(tests) && tests.length > 0 ? (tests as SuiteCase[]) : undefined
  } catch (cause) {
    throw new StokerError('VIEWS_SUITE', `${name} is no JSON`, { hint: 'correct it, or move it away', cause })
  }
}

function failures(report: SuiteReport): string[] {
  return Object.entries(report).flatMap(([file, { tests }]) =>
    tests.flatMap(({ name, result }) => (result.passed ? [] : [`${file}: ${name}: ${result.reason}\n`])),
  )
}

function summary(report: SuiteReport): string {
  const failed = failures(report)
  const all = Object.values(report).reduce((sum, { tests }) => sum + tests.length, 0)
  return `${failed.join('')}${all - failed.length} of ${all} cases pass\n`
}
