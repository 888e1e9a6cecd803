/** A data set of a cohort that is defined elsewhere: its file with a header, or its name in the configuration. */
import { appendFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readCohorts, type CohortLibrary } from '../../../src/analysis/cohort/library.ts'
import type { DatasetCard } from '../../../src/analysis/dataset/card.ts'
import { DatasetError } from '../../../src/analysis/dataset/mistakes.ts'
import { readDataset } from '../../../src/cli/dataset-file.ts'
import { brief, DatasetLake } from './dataset-lake.ts'
import { definition } from './definitions.ts'

const COHORT = `-- title: Visits to the emergency room
-- description: Whoever came, once for each visit.
-- simplified: Nothing is.
-- codes:
--   HL7 EMER Emergency encounter
-- parameter class VARCHAR = 'EMER'  of the visit
-- parameter since DATE = NULL  the first day; NULL: all
-- parameter hours_min DOUBLE = 0  of the visit

-- One row a visit.
SELECT patient_key, period_start AS index_date FROM encounter
WHERE class_code = $class AND coalesce(period_start::DATE >= $since, true)
  AND date_diff('minute', period_start, period_end) >= 60 * $hours_min
`

let lake: DatasetLake
beforeAll(async () => {
  lake = await DatasetLake.make(20)
  await lake.write('cohorts/emergency.sql', COHORT)
  await appendFile(join(lake.folder, 'stoker.yaml'), 'cohorts: [cohorts]\n')
})
afterAll(() => lake.close())

const of = (lines: string, head = '') =>
  `${head}${definition().replace(/cohort:\n {2}sql: \|\n.*\n/, `cohort:\n  ${lines.replaceAll('\n', '\n  ')}\n`)}`

type Library = () => Promise<CohortLibrary | undefined>
const library = () => readCohorts([join(lake.folder, 'cohorts')])

async function read(yaml: string, name = 'definition.yaml', cohorts: Library = library) {
  return readDataset(await lake.write(name, yaml), {}, cohorts)
}

async function mistakes(yaml: string, cohorts?: Library): Promise<string[]> {
  try {
    await lake.build(await read(yaml, 'wrong.yaml', cohorts), 'never')
  } catch (error) {
    if (!(error instanceof DatasetError)) throw error
    return brief(error.mistakes).map((each, n) => `${error.mistakes[n]!.file.split('/').at(-1)}:${each}`)
  }
  throw new Error('the data set was built, and should not have been')
}

describe('its file', () => {
  test('is run with the defaults of its header, and gives the rows of the same SELECT written out', async () => {
    const plain = await lake.build(definition(), 'plain')
    const card = await lake.build(await read(of('file: cohorts/emergency.sql')), 'by-file')
    expect(card.files).toEqual(plain.files)
    expect(plain.definition.cohort_definition).toBeNull()
  })

  test('takes the values that are given, typed as its header says', async () => {
    const values = 'parameters: {since: 2022-01-01, hours_min: 1}'
    const card = await lake.build(await read(of(`file: cohorts/emergency.sql\n${values}`)), 'values')
    const [found] = await lake.tables(
      `SELECT count(*)::INTEGER AS rows FROM encounter WHERE class_code = 'EMER' AND period_start >= '2022-01-01'
       AND date_diff('minute', period_start, period_end) >= 60`,
    )
    expect(found!.rows).toBeGreaterThan(0)
    expect(card.rows.cohort.rows).toBe(found!.rows)
  })

  test('stands on the card, with its codes and the values it was run with', async () => {
    const [emergency] = (await library()).definitions
    const card = await lake.build(await read(of('file: cohorts/emergency.sql')), 'carded')
    expect(card.definition.cohort_definition).toEqual({
      ...{ name: 'emergency', file: 'emergency.sql', title: 'Visits to the emergency room' },
      ...{ description: 'Whoever came, once for each visit.', simplified: 'Nothing is.', sha256: emergency!.hash },
      codes: [{ system: 'HL7', code: 'EMER', display: 'Emergency encounter' }],
      parameters: [
        { name: 'class', type: 'VARCHAR', value: 'EMER', description: 'of the visit' },
        { name: 'since', type: 'DATE', value: null, description: 'the first day; NULL: all' },
        { name: 'hours_min', type: 'DOUBLE', value: 0, description: 'of the visit' },
      ],
    })
    expect(card.definition.selects![0]).toEqual({ path: 'cohort', sql: COHORT.slice(COHORT.indexOf('-- One')).trim() })
    const text = await readFile(join(lake.folder, 'carded/card.md'), 'utf8')
    expect(text).toContain('| `class` | VARCHAR | "EMER" | of the visit |')
    expect(text).toContain('WHERE class_code = $class')
  })

  test('is told of without its values where keys are pseudonyms', async () => {
    await lake.write('study.key', 'k'.repeat(64))
    const tail = 'privacy: {keyFile: study.key, pseudonyms: true}\n'
    const made = await lake.build(await read(of('file: cohorts/emergency.sql') + tail), 'hidden')
    const { cohort_definition: told, selects }: DatasetCard['definition'] = made.definition
    expect([selects, told!.sha256, told!.parameters.map(({ value }) => value)]).toEqual([
      null,
      null,
      [undefined, undefined, undefined],
    ])
  })

  test.each<[string, string, string[]]>([
    [
      'has no such parameter',
      'file: cohorts/emergency.sql\nparameters: {sinze: 2024-01-01}',
      ["wrong.yaml:4:23 cohort.parameters.sinze: is no parameter of the cohort | Did you mean 'since'?"],
    ],
    [
      'gets values of other types',
      'file: cohorts/emergency.sql\nparameters:\n  class: 4\n  since: 2024-02-30\n  hours_min: "3"',
      [
        "wrong.yaml:5:12 cohort.parameters.class: is no VARCHAR | Write a text in single quotes, 'so'.",
        'wrong.yaml:6:12 cohort.parameters.since: is no DATE | Write a day of the calendar as 2026-01-31.',
        'wrong.yaml:7:16 cohort.parameters.hours_min: is no DOUBLE | Write a number such as 9.5.',
      ],
    ],
    [
      'gets a list',
      'file: cohorts/emergency.sql\nparameters: {class: [EMER]}',
      [expect.stringMatching(/^wrong\.yaml:4:23 cohort\.parameters\.class: /) as string],
    ],
    [
      'is named beside a SELECT',
      'file: cohorts/emergency.sql\nsql: SELECT 1',
      ['wrong.yaml:3:9 cohort.file: is given beside sql | Keep one of the two.'],
    ],
    [
      'has mistakes of its own',
      'file: cohorts/wrong.sql',
      ['wrong.sql:1:1 cohort.file: there is no description | Add -- description: who is a member, in clinical words.'],
    ],
    [
      'names a column that is not there',
      'file: cohorts/column.sql',
      [expect.stringMatching(/^column\.sql:5:31 cohort\.sql: .*perod_end/) as string],
    ],
  ])('that %s is told with its place', async (_what, lines, expected) => {
    await lake.write('cohorts/wrong.sql', '-- title: Wrong\n-- parameter x INTEGER = 1  a number\nSELECT $x')
    await lake.write(
      'cohorts/column.sql',
      '-- title: A\n-- description: B\n-- parameter x INTEGER = 1  a number\nSELECT patient_key, $x AS x,\n  period_start AS index_date, perod_end FROM encounter\n',
    )
    expect(await mistakes(of(lines))).toEqual(expected)
  })

  test('has a parameter that the data set has too: which of the two is meant must be said', async () => {
    const head = 'parameters: {hours_min: 2}\n'
    expect(await mistakes(of('file: cohorts/emergency.sql', head))).toEqual([
      expect.stringContaining('the data set and the cohort both have a parameter of this name | Say which value'),
    ])
    const both = of('file: cohorts/emergency.sql\nparameters: {hours_min: 0}', head)
    expect((await lake.build(await read(both), 'both')).rows.cohort.rows).toBeGreaterThan(0)
  })

  test('without a header is a SELECT as in the YAML file', async () => {
    await lake.write(
      'plain.sql',
      `-- All of them.\nSELECT patient_key, period_start AS index_date FROM encounter WHERE class_code = $c\n`,
    )
    const card = await lake.build(await read(of('file: plain.sql', 'parameters: {c: EMER}\n')), 'headless')
    expect(card.definition.cohort_definition).toBeNull()
    expect(await mistakes(of('file: plain.sql\nparameters: {c: EMER}'))).toEqual(
      expect.arrayContaining([
        expect.stringContaining('cohort.parameters: are those of a cohort with a header, which this is not'),
      ]),
    )
  })
})

describe('its name', () => {
  test('finds it in the folders of the configuration', async () => {
    const byFile = await lake.build(await read(of('file: cohorts/emergency.sql')), 'named-file')
    const byName = await lake.build(await read(of('name: emergency')), 'named')
    expect(byName).toEqual(byFile)
  })

  test('is told where there is none of it, with one that is like it, and where there is no configuration', async () => {
    expect(await mistakes(of('name: emergancy'))).toEqual([
      'wrong.yaml:3:9 cohort.name: there is no cohort emergancy | Did you mean emergency?',
    ])
    expect(await mistakes(of('name: emergency'), () => Promise.resolve(undefined))).toEqual([
      expect.stringContaining('there is no configuration here that names folders of cohorts'),
    ])
  })
})
