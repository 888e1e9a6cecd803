/**
 * The default tables over FHIR's own examples: the folder of the npm package hl7.fhir.r4.examples 4.0.1, which is too
 * big to be a dependency. `STOKER_R4_EXAMPLES` names it; `.ci/run` fetches it where a registry can be reached.
 */
import { existsSync } from 'node:fs'
import { readFile, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sqlText } from '../../src/core/sql.ts'
import { fhirTypes } from '../../src/views/fhir-types.ts'
import { generateViews } from '../../src/views/generate/generate.ts'
import { checkView, elementOf } from './generate-check.ts'
import { openBench, type Bench } from './run-view.ts'

const FOLDER = process.env.STOKER_R4_EXAMPLES ?? ''
const isThere = FOLDER !== '' && existsSync(FOLDER)
const types = fhirTypes('R4')

/** Of a type there may be over a thousand (search parameters): so many say it all. */
const EXAMPLES_MAX = 20
/** Larger ones are FHIR's own definitions in a Bundle, 100 MB of them. */
const EXAMPLE_BYTES_MAX = 1e6

/** Elements that count by path can not tell apart, or whose examples break FHIR's own rules. */
const NOT_COUNTED = /at any depth|^substance_specification_name/

let bench: Bench
const files = new Map<string, string[]>()

beforeAll(async () => {
  bench = await openBench()
  if (!isThere) return
  for (const name of (await readdir(FOLDER)).sort()) {
    const type = /^([A-Za-z]+)-.*\.json$/.exec(name)?.[1]
    if (type === undefined || !types.isResource(type)) continue
    if ((await stat(join(FOLDER, name))).size > EXAMPLE_BYTES_MAX) continue
    files.set(type, [...(files.get(type) ?? []), name])
  }
})
afterAll(() => bench.close())

test.skipIf(isThere)('the examples of R4 are not there: STOKER_R4_EXAMPLES names no folder', () => undefined)

test.runIf(isThere).each(types.resourceNames())(
  'the tables of %s hold what its examples hold',
  async (type) => {
    const texts = await Promise.all(
      (files.get(type) ?? []).slice(0, EXAMPLES_MAX).map((name) => readFile(join(FOLDER, name), 'utf8')),
    )
    const resources = texts.map((text) => JSON.parse(text) as { resourceType: string })
    const counts = new Map<string, number>()
    for (const resource of resources) countElements(resource, resource.resourceType, counts)
    const values = texts.map((text) => `(${sqlText(text)})`).join(', ')
    const rows =
      texts.length === 0 ? `SELECT ''::VARCHAR AS json WHERE false` : `SELECT * FROM (VALUES ${values}) AS t(json)`
    await bench.connection.run(`CREATE OR REPLACE TEMP TABLE examples AS ${rows}`)
    const problems: string[] = []
    for (const view of generateViews(type, types)) {
      // Of an element that no example has, a table has nothing to hold.
      if (!counts.has(elementOf(view) ?? type)) continue
      const found = await checkView(bench.connection, view, 'examples', counts)
      if (!NOT_COUNTED.test(`${view.name} ${view.description}`)) problems.push(...found.problems)
    }
    expect(problems).toEqual([])
  },
  60_000,
)

/** Counts every value by its path of names. */
function countElements(node: unknown, path: string, counts: Map<string, number>): void {
  if (node === null) return
  if (Array.isArray(node)) return node.forEach((item) => countElements(item, path, counts))
  counts.set(path, (counts.get(path) ?? 0) + 1)
  if (typeof node !== 'object') return
  for (const [name, value] of Object.entries(node)) countElements(value, `${path}.${name}`, counts)
}
