/** What compileView returns: SQL text, columns with types, the structure it reads, a hash. */
import { expect, test } from 'vitest'
import { compileView } from '../../src/views/compile.ts'
import { columnTypes, viewOf } from './run-view.ts'

const input = { from: 'raw', json: 'json', carry: [] }

/** What looks like JSON is text only where the resource has it as a string. */
const textOnly = (value: string) =>
  `CASE WHEN (ascii(${value}) & 95) = 91 THEN CASE WHEN NOT json_valid(${value}) OR ` +
  `contains(json(__json), to_json(${value})) THEN ${value} END ELSE ${value} END`

test('a plain view is one SELECT over one from_json', () => {
  const view = compileView(
    viewOf('Patient', {
      id: 'id',
      family: 'name.first().family',
      born: { path: 'birthDate', tag: [{ name: 'ansi/type', value: 'DATE' }] },
    }),
  )
  expect(view.sql(input)).toBe(`SELECT ${textOnly('__1."id"')} AS "id",
  ${textOnly('__1."name"[1]."family"')} AS "family",
  TRY_CAST(CASE WHEN __1."birthDate" LIKE '____-__-__%' THEN __1."birthDate"[:10] WHEN __1."birthDate" LIKE '____-__' THEN __1."birthDate" || '-01' WHEN __1."birthDate" LIKE '____' THEN __1."birthDate" || '-01-01' END AS DATE) AS "born"
FROM (SELECT "json" AS __json,
  CASE WHEN random() >= 0 THEN from_json("json", '{"resourceType":"VARCHAR","id":"VARCHAR","name":[{"family":"VARCHAR"}],"birthDate":"VARCHAR"}') END AS __1
FROM raw)
WHERE __1."resourceType" = 'Patient'`)
})

test('forEach is an unnest in the SELECT list, and carries what is still needed, not the resource', () => {
  const view = compileView({
    resource: 'Patient',
    select: [
      { column: [{ name: 'id', path: 'id' }] },
      {
        forEach: 'name',
        column: [
          { name: 'place', path: '%rowIndex' },
          { name: 'given', path: 'given.first()' },
        ],
      },
    ],
  })
  expect(view.sql({ ...input, carry: ['_run'] })).toBe(`SELECT "_run",
  "id",
  TRY_CAST(__3 AS INTEGER) AS "place",
  list_filter(__2."given", lambda __e: ${textOnly('__e')} IS NOT NULL)[1] AS "given"
FROM (SELECT "_run",
  __json,
  ${textOnly('__1."id"')} AS "id",
  unnest(__1."name") AS __2,
  generate_subscripts(__1."name", 1) - 1 AS __3
FROM (SELECT "_run",
  "json" AS __json,
  CASE WHEN random() >= 0 THEN from_json("json", '{"resourceType":"VARCHAR","id":"VARCHAR","name":[{"given":["VARCHAR"]}]}') END AS __1
FROM raw)
WHERE __1."resourceType" = 'Patient')
WHERE __2 IS NOT NULL`)
})

test('the structure names only the elements that the view touches', () => {
  const view = compileView(
    viewOf('Observation', {
      value: { path: 'value.ofType(Quantity).value', tag: [{ name: 'ansi/type', value: 'DOUBLE PRECISION' }] },
      exact: 'component.first().value.ofType(Quantity).value',
      flag: "component.where(code.coding.exists(code = 'x')).exists()",
    }),
  )
  expect(JSON.parse(view.struct)).toEqual({
    resourceType: 'VARCHAR',
    valueQuantity: { value: 'DOUBLE' },
    component: [{ valueQuantity: { value: 'VARCHAR' }, code: { coding: [{ code: 'VARCHAR' }] } }],
  })
})

test("a column has the type of the specification's table, or the one its tag asks for", () => {
  const tag = (value: string, name = 'ansi/type') => ({ tag: [{ name, value }] })
  const view = compileView(
    viewOf('Observation', {
      text: 'status',
      truth: 'value.ofType(boolean)',
      number: 'value.ofType(integer)',
      decimal: 'value.ofType(Quantity).value',
      instant: 'issued',
      day: 'effective.ofType(dateTime)',
      count: 'component.count()',
      list: { path: 'note.text', collection: true },
      asDate: { path: 'effective.ofType(dateTime)', ...tag('DATE') },
      asInstant: { path: 'effective.ofType(dateTime)', ...tag('timestamp(3) with time zone') },
      asTimestamp: { path: 'effective.ofType(dateTime)', ...tag('TIMESTAMP') },
      asDecimal: { path: 'value.ofType(Quantity).value', ...tag('DECIMAL(18, 2)') },
      asBig: { path: 'value.ofType(integer)', ...tag('BIGINT') },
      duckdb: {
        path: 'value.ofType(integer)',
        tag: [
          { name: 'duckdb/type', value: 'DOUBLE' },
          { name: 'ansi/type', value: 'INTEGER' },
        ],
      },
      old: { path: 'effective.ofType(dateTime)', tags: [{ name: 'ansi/type', value: 'DATE' }] },
    }),
  )
  expect(columnTypes(view)).toEqual([
    'VARCHAR',
    'BOOLEAN',
    'INTEGER',
    'VARCHAR',
    'TIMESTAMPTZ',
    'VARCHAR',
    'INTEGER',
    'VARCHAR[]',
    'DATE',
    'TIMESTAMPTZ',
    'TIMESTAMP',
    'DECIMAL(18,2)',
    'BIGINT',
    'DOUBLE',
    'DATE',
  ])
})

test("the view's FHIR version chooses the table of types, the data's where it is known", () => {
  const view = (fhirVersion: string[]) => viewOf('Encounter', { code: 'class.first().text' }, { fhirVersion })
  expect(compileView(view(['5.0.0'])).fhirVersion).toBe('R5')
  expect(compileView(view(['6.0.0', '4.0.1', '5.0.0']), { fhirVersion: 'R5' }).fhirVersion).toBe('R5')
  expect(compileView(viewOf('Encounter', { id: 'id' }, { fhirVersion: ['4.3.0'] })).fhirVersion).toBe('R4B')
  expect(compileView(viewOf('Encounter', { id: 'id' })).fhirVersion).toBe('R4')
  expect(() => compileView(view(['4.0.1']))).toThrow('Coding has no element text')
  expect(() => compileView(view(['5.0.0']), { fhirVersion: 'R4' })).toThrow('for FHIR 5.0.0, the data is R4')
})

test('the metadata of SQL on FHIR 2.0 and of 3.0 are both a view', () => {
  const select = [{ column: [{ name: 'id', path: 'id' }] }]
  const metadata = [
    {
      resourceType: 'https://sql-on-fhir.org/ig/StructureDefinition/ViewDefinition',
      identifier: { value: 'x' },
      meta: { profile: ['https://sql-on-fhir.org/ig/StructureDefinition/ShareableViewDefinition'] },
      copyright: 'none',
    },
    {
      resourceType: 'ViewDefinition',
      resourceDefinition: 'http://hl7.org/fhir/StructureDefinition/ViewDefinition|3.0.0-ballot',
      identifier: [{ value: 'x' }],
      versionAlgorithmString: 'semver',
      profile: ['http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient'],
      topic: [{ text: 'x' }],
      relatedArtifact: [],
      _status: { extension: [] },
    },
  ]
  for (const more of metadata)
    expect(compileView({ ...more, status: 'draft', resource: 'Patient', select }).columns).toHaveLength(1)
})

test('the hash is of the meaning: order of keys does not matter, anything else does', () => {
  const hash = (view: object) => compileView(view).hash
  const one = { resource: 'Patient', select: [{ column: [{ name: 'id', path: 'id' }] }] }
  expect(hash({ select: [{ column: [{ path: 'id', name: 'id' }] }], resource: 'Patient' })).toBe(hash(one))
  expect(hash({ ...one, where: [{ path: 'active' }] })).not.toBe(hash(one))
  expect(compileView(one, { rules: 'specification' }).hash).not.toBe(hash(one))
  expect(hash(one)).toMatch(/^[0-9a-f]{64}$/)
})

test('a column may not have the name of a carried one', () => {
  const view = compileView(viewOf('Patient', { Run: 'id' }))
  expect(() => view.sql({ ...input, carry: ['run'] })).toThrow('the column run has the name')
})
