/** Random views over random resources: every column has the values that fhirpath.js, an engine of its own, finds. */
import fhirpath from 'fhirpath'
import model from 'fhirpath/fhir-context/r4/index.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fhirTypes } from '../../../src/views/fhir-types.ts'
import { openBench, runView, viewOf, type Bench } from '../run-view.ts'
import { seeded, type Random } from './random.ts'
import { RandomPath } from './random-path.ts'
import { randomResource } from './random-resource.ts'

const TYPES = ['Patient', 'Observation', 'Encounter', 'Condition', 'MedicationRequest', 'Claim']
const VIEWS_EACH = 16
const COLUMNS = 12
const RESOURCES = 8

const R4 = model as Parameters<typeof fhirpath.evaluate>[3]
const types = fhirTypes('R4')
let bench: Bench
beforeAll(async () => {
  bench = await openBench()
})
afterAll(() => bench.close())

test.each(TYPES.map((type, seed) => [type, seed + 1] as const))(
  'columns of random views of %s hold what fhirpath.js finds',
  async (type, seed) => {
    const random = seeded(seed)
    let compared = 0
    for (let round = 0; round < VIEWS_EACH; round++) compared += await compareView(random, type)
    expect(compared).toBeGreaterThan((VIEWS_EACH * COLUMNS * RESOURCES) / 2)
  },
  60_000,
)

/** The number of values compared. */
async function compareView(random: Random, type: string): Promise<number> {
  const made = new RandomPath(random, types)
  const paths = Array.from({ length: COLUMNS }, () => made.column(type))
  const resources = Array.from({ length: RESOURCES }, () => randomResource(random, types, type))
  const text = { collection: true, tag: [{ name: 'ansi/type', value: 'VARCHAR' }] }
  const columns = Object.fromEntries(paths.map((path, place) => [`c${place}`, { path, ...text }]))
  const rows = await runView(bench, viewOf(type, columns), resources)
  let compared = 0
  for (const [place, path] of paths.entries()) {
    for (const [line, resource] of resources.entries()) {
      const wanted = evaluate(path, resource)
      if (wanted === undefined) continue
      compared++
      const found = (rows[line]![`c${place}`] as string[]).map(comparable)
      if (JSON.stringify(found) !== JSON.stringify(wanted))
        expect.fail(
          `${path}\nfound  ${JSON.stringify(found)}\nwanted ${JSON.stringify(wanted)}\n${JSON.stringify(resource)}`,
        )
    }
  }
  return compared
}

/** Undefined where the engine refuses: several values where its rules want one, which are NULL here. */
function evaluate(path: string, resource: object): unknown[] | undefined {
  try {
    const found: unknown[] = fhirpath.evaluate(resource, path, {}, R4, { async: false })
    return found.map((value) => comparable(String(value)))
  } catch {
    return undefined
  }
}

/** 1.50 and 1.5 are one number. */
function comparable(text: string): string {
  return /^-?\d+\.\d+$/.test(text) ? String(Number(text)) : text
}
