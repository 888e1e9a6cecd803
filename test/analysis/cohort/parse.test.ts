import { describe, expect, test } from 'vitest'
import { mistakeText, parameterValues } from '../../../src/analysis/cohort/definition.ts'
import { parseCohort } from '../../../src/analysis/cohort/parse.ts'
import { placeholders, withPlaceholders } from '../../../src/analysis/cohort/placeholders.ts'

const GOOD = `-- title: Adults with a high HbA1c
-- description: Everybody whose last result
--   is high.
--
-- simplified: no visit is asked for
-- codes:
--   LOINC 4548-4 Hemoglobin A1c
--   ICD-10-CM E11* Type 2 diabetes mellitus
-- parameter hba1c_min DOUBLE = 9.0  the lowest value
--   that counts
-- parameter as_of DATE = NULL  the day
-- parameter word VARCHAR = 'it''s; $no'  a text
-- parameter days INTEGER = -3  so many
-- parameter strict BOOLEAN = TRUE  or not

-- not of the header: $nothing
SELECT patient_key, '$neither' AS a FROM observation
WHERE value_quantity >= $hba1c_min AND $strict AND note = $word /* $nor */ AND d > $as_of + $days;
`

function told(text: string, file = 'cohorts/high-hba1c.sql'): string[] {
  const { mistakes = [] } = parseCohort(file, text)
  return mistakes.map(mistakeText)
}

describe('a file that is right', () => {
  test('gives its words, codes, parameters and SELECT, whatever its line ends', () => {
    for (const text of [GOOD, `\uFEFF${GOOD.replaceAll('\n', '\r\n')}`]) {
      const { definition } = parseCohort('cohorts/high-hba1c.sql', text)
      expect(definition).toMatchObject({
        name: 'high-hba1c',
        title: 'Adults with a high HbA1c',
        description: 'Everybody whose last result is high.',
        simplified: 'no visit is asked for',
        codes: [
          { system: 'LOINC', code: '4548-4', display: 'Hemoglobin A1c' },
          { system: 'ICD-10-CM', code: 'E11*', display: 'Type 2 diabetes mellitus' },
        ],
        sqlLine: 16,
      })
      expect(definition!.parameters[0]).toEqual({
        name: 'hba1c_min',
        type: 'DOUBLE',
        value: 9,
        description: 'the lowest value that counts',
      })
      expect(parameterValues(definition!)).toEqual({
        hba1c_min: 9,
        as_of: null,
        word: "it's; $no",
        days: -3,
        strict: true,
      })
      expect(definition!.sql).toMatch(/^-- not of the header[^]*\$days$/)
    }
  })

  test('runs with each parameter cast to its type, in the lines it has', () => {
    const { definition } = parseCohort('c.sql', GOOD)
    expect(definition!.typedSql).toContain('>= CAST($hba1c_min AS DOUBLE) AND CAST($strict AS BOOLEAN)')
    expect(definition!.typedSql).toContain("'$neither'")
    expect(definition!.typedSql).toContain('/* $nor */')
    expect(definition!.typedSql.split('\n').length).toBe(definition!.sql.split('\n').length)
  })

  test('is another definition when its SELECT or a value changes, and the same when its prose does', () => {
    const hash = (text: string) => parseCohort('c.sql', text).definition!.hash
    expect(hash(GOOD.replace('Adults', 'People').replace('so many', 'days'))).toBe(hash(GOOD))
    expect(hash(GOOD.replace('9.0', '8'))).not.toBe(hash(GOOD))
    expect(hash(GOOD.replace('>=', '>'))).not.toBe(hash(GOOD))
  })
})

describe('a mistake is told with its line and the way out', () => {
  const body = '-- description: d\nSELECT 1 AS patient_key'
  test.each([
    ['', [/:1: there is no title: begin/, /:1: there is no description/, /there is no SELECT/]],
    ['-- title: t\n-- description: d\n', [/:3: there is no SELECT: write one/]],
    [`-- title: t\n-- titel: u\n${body}`, [/:2: is neither a key.*: did you mean -- title:/]],
    [`-- title: t\n--title: u\n${body}`, [/:2: is neither a key/]],
    [`-- title: t\n-- title: u\n${body}`, [/:2: title is there twice: the first is in line 1/]],
    [`-- title: t\n-- some remark\n${body}`, [/:2: is neither a key.*other comments go below an empty line/]],
    [`-- title: t\n-- parameter\n${body}`, [/:2: is no parameter: write -- parameter NAME TYPE = DEFAULT/]],
    [`-- title: t\n-- parameter x DOUBLE 9\n${body}`, [/:2: is no parameter/]],
    [`-- title: t\n-- parameter X DOUBLE = 9 a\n${body}`, [/:2: X is no name of a parameter/]],
    [`-- title: t\n-- parameter x FLOAT = 9 a\n${body}`, [/:2: FLOAT is no type.*: take BOOLEAN, INTEGER/]],
    [`-- title: t\n-- parameter x DOUBLE = nine a\n${body}`, [/:2: the default of x is no DOUBLE: write a number/]],
    [`-- title: t\n-- parameter x INTEGER = 2147483648 a\n${body}`, [/:2: the default of x is no INTEGER/]],
    [`-- title: t\n-- parameter x VARCHAR = nine a\n${body}`, [/:2: the default of x is no VARCHAR.*quotes/]],
    [`-- title: t\n-- parameter x DATE = 2026-02-30 a\n${body}`, [/:2: the default of x is no DATE/]],
    [`-- title: t\n-- parameter x DATE = NULL\n${body}`, [/:2: x has no description/]],
    [`-- title: t\n-- parameter x DATE = NULL a\n${body}`, [/:2: parameter x is used nowhere: write \$x/]],
    [
      `-- title: t\n-- parameter x DATE = NULL a\n-- parameter x DATE = NULL a\n${body}, $x`,
      [/:3: parameter x is there twice: the first is in line 2/],
    ],
    [`-- title: t\n${body},\n $y, $y`, [/:4: \$y is no parameter: add -- parameter y TYPE/]],
    [`-- title: t\n${body},\n ?, $1`, [/:4: \? has no name: name each/, /:4: \$1 has no name/]],
    [`-- title: t\n-- codes:\n--   SNOMED 1 a\n${body}`, [/:3: is no code: write SYSTEM CODE/]],
    [`-- title: t\n-- codes:\n--   LOINC 4548-4\n${body}`, [/:3: is no code/]],
  ])('%j', (text, wanted) => {
    const mistakes = told(text)
    expect(mistakes.length).toBe(wanted.length)
    for (const [n, each] of wanted.entries()) expect(mistakes[n]).toMatch(each)
    for (const each of mistakes) expect(each).toMatch(/^cohorts\/high-hba1c\.sql:\d+: .+: .+/)
  })

  test('in the name of the file as well', () => {
    expect(told(GOOD, 'cohorts/High HbA1c.sql')).toEqual([
      expect.stringMatching(/^cohorts\/High HbA1c\.sql: High HbA1c is no name of a cohort: /),
    ])
  })
})

test('a parameter is one outside texts, names in quotes, comments and words alone', () => {
  const sql = [
    `$a 'x $b '' $c' "$d""$e" -- $f`,
    '/* $g /* $h */ $i */ $j $$ $k $$ $q$ $l $$ $q$ $m',
    String.raw`E'\' $n' n$o $p::DATE e'' $r`,
  ].join('\n')
  expect(placeholders(sql).map((each) => each.name)).toEqual(['a', 'j', 'm', 'p', 'r'])
  expect(withPlaceholders('$a+$ab', (name) => `<${name}>`)).toBe('<a>+<ab>')
  // What never ends takes the rest.
  for (const open of ["'", '"', '/*', '$$', "e'"]) expect(placeholders(`$a ${open} $b`).length).toBeGreaterThan(0)
})
