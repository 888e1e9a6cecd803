/** Rows of nested and sibling selects, of wrong shapes, and the plan DuckDB makes of them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compileView } from '../../src/views/compile.ts'
import { openBench, relation, runView, viewOf, type Bench } from './run-view.ts'

let bench: Bench
beforeAll(async () => {
  bench = await openBench()
})
afterAll(() => bench.close())

const column = (...paths: string[]) => paths.map((path) => ({ name: path.replace(/\W/g, ''), path }))
const claim = {
  resourceType: 'Claim',
  id: 'c',
  item: [
    { sequence: 1, detail: [{ sequence: 11, subDetail: [{ sequence: 111 }, { sequence: 112 }] }, { sequence: 12 }] },
    { sequence: 2 },
  ],
  diagnosis: [{ sequence: 7 }, { sequence: 8 }],
}

describe('fan-out', () => {
  test('children nest, siblings cross, and a missing forEachOrNull keeps its parent', async () => {
    const rows = await runView(
      bench,
      {
        resource: 'Claim',
        select: [
          { column: column('id') },
          {
            forEach: 'item',
            column: [{ name: 'item', path: 'sequence' }],
            select: [
              {
                forEachOrNull: 'detail',
                column: [
                  { name: 'detail', path: 'sequence' },
                  { name: 'kind', path: "'d'" },
                  { name: 'place', path: '%rowIndex' },
                ],
                select: [{ forEachOrNull: 'subDetail', column: [{ name: 'sub', path: 'sequence' }] }],
              },
            ],
          },
          { forEach: 'diagnosis', column: [{ name: 'diagnosis', path: 'sequence' }] },
        ],
      },
      [claim],
    )
    const cells = rows.map((row) => [row.item, row.detail, row.kind, row.place, row.sub, row.diagnosis].join()).sort()
    expect(cells).toEqual(
      [
        '1,11,d,0,111,7',
        '1,11,d,0,111,8',
        '1,11,d,0,112,7',
        '1,11,d,0,112,8',
        '1,12,d,1,,7',
        '1,12,d,1,,8',
        '2,,,0,,7',
        '2,,,0,,8',
      ].sort(),
    )
  })

  test('%resource and the indexes of outer levels are in sight of inner ones', async () => {
    const inner = {
      forEach: 'detail',
      column: [
        { name: 'key', path: '%resource.getResourceKey()' },
        { name: 'detail', path: 'sequence' },
      ],
    }
    expect(
      await runView(bench, { resource: 'Claim', select: [{ forEach: 'item', select: [inner] }] }, [claim]),
    ).toEqual([
      { key: 'Claim/c', detail: 11 },
      { key: 'Claim/c', detail: 12 },
    ])
  })

  test('unionAll under a forEach crosses with its siblings and sees the index around it', async () => {
    const branch = (path: string, kind: string) => ({
      forEach: path,
      column: [
        { name: 'n', path: 'sequence' },
        { name: 'kind', path: `'${kind}'` },
      ],
    })
    const rows = await runView(
      bench,
      {
        resource: 'Claim',
        select: [
          {
            forEach: 'item',
            column: [{ name: 'i', path: '%rowIndex' }],
            unionAll: [
              branch('detail', 'd'),
              {
                column: [
                  { name: 'n', path: '%rowIndex' },
                  { name: 'kind', path: "'i'" },
                ],
              },
              branch('detail.subDetail', 's'),
            ],
          },
        ],
      },
      [claim],
    )
    expect(rows.map((row) => [row.i, row.kind, row.n].join('')).sort()).toEqual([
      '0d11',
      '0d12',
      '0i0',
      '0s111',
      '0s112',
      '1i1',
    ])
  })

  test('where filters resources, and other types give no rows', async () => {
    const view = {
      ...viewOf('Claim', { id: 'id' }),
      where: [{ path: "id = 'c'" }, { path: 'item.exists(sequence = 2)' }],
    }
    expect(
      await runView(bench, view, [
        claim,
        { ...claim, id: 'd' },
        { resourceType: 'Patient', id: 'c' },
        { ...claim, item: [] },
      ]),
    ).toEqual([{ id: 'c' }])
  })

  test('repeat goes down any depth, each node before its own descendants', async () => {
    const deep = (depth: number): object => ({
      linkId: `${depth}`,
      text: '"item":',
      ...(depth < 40 ? { item: [deep(depth + 1), { linkId: `${depth}b` }] } : {}),
    })
    const view = {
      resource: 'Questionnaire',
      select: [
        {
          repeat: ['item'],
          column: [
            { name: 'n', path: '%rowIndex' },
            { name: 'link', path: 'linkId' },
          ],
        },
      ],
    }
    const rows = await runView(bench, view, [
      { resourceType: 'Questionnaire', item: [deep(1)] },
      { resourceType: 'Questionnaire' },
    ])
    expect(rows.map((row) => row.n)).toEqual(rows.map((_, place) => place))
    expect(rows.map((row) => row.link)).toEqual([
      ...Array.from({ length: 40 }, (_, place) => `${place + 1}`),
      ...Array.from({ length: 39 }, (_, place) => `${39 - place}b`),
    ])
  })
})

describe('keys', () => {
  const key = (reference: unknown, path = 'subject.getReferenceKey(Patient)') =>
    runView(bench, viewOf('Observation', { key: path }), [
      { resourceType: 'Observation', subject: { reference } },
    ]).then((rows) => rows[0]?.key)

  test.each([
    ['Patient/1', 'Patient/1'],
    ['https://host/fhir/Patient/1', 'Patient/1'],
    ['http://h/Patient/a.b-c/_history/2', 'Patient/a.b-c'],
    ['Patient/1/_history/2', 'Patient/1'],
    ['Patient/1#a', null],
    ['Patient/1|2', null],
    ['Patient/1?x=y', null],
    ['Group/1', null],
    ['https://host/Group/1', null],
    ['urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7', null],
    ['#p', null],
    ['Patient?identifier=http://x/Patient/1|2', null],
    ['Patient/', null],
    ['https://host/Patient/1/x', null],
    [null, null],
    [{ x: 1 }, null],
  ])('the reference %j has the key %j', async (reference, expected) => {
    expect(await key(reference)).toBe(expected)
    const isOther = typeof reference === 'string' && reference.endsWith('Group/1')
    expect(await key(reference, 'subject.getReferenceKey()')).toBe(isOther ? 'Group/1' : expected)
  })

  test('a prefix stands before the keys of resources and references alike', async () => {
    const view = compileView({
      resource: 'Observation',
      select: [
        { column: [{ name: 'own', path: 'getResourceKey()' }] },
        { forEach: 'performer', column: [{ name: 'other', path: 'getReferenceKey()' }] },
      ],
    })
    const observation = { resourceType: 'Observation', id: '1', performer: [{ reference: 'Practitioner/2' }, {}] }
    const from = `(SELECT 'north' AS source, json FROM ${relation([observation])})`
    expect(await bench.rows(view.sql({ from, json: 'json', keyPrefix: 'source', carry: ['source'] }))).toEqual([
      { source: 'north', own: 'north/Observation/1', other: 'north/Practitioner/2' },
      { source: 'north', own: 'north/Observation/1', other: null },
    ])
  })
})

describe('data of the wrong shape', () => {
  const view = {
    resource: 'Patient',
    select: [
      { column: column('id', 'active', 'maritalStatus.text', 'name.first().family') },
      { forEachOrNull: 'telecom', column: [{ name: 'rank', path: 'rank' }] },
    ],
  }
  test.each([
    [{ name: 'x', active: 'maybe', maritalStatus: 'M', telecom: {} }],
    [{ name: { family: 'x' }, telecom: 'x' }],
    [{ name: [5], telecom: [] }],
    [{ name: [], maritalStatus: [{ text: 'x' }], telecom: null }],
  ])('%j gives NULL, not an error', async (wrong) => {
    expect(await runView(bench, view, [{ resourceType: 'Patient', id: 'p', ...wrong }])).toEqual([
      { id: 'p', active: null, maritalStatustext: null, namefirstfamily: null, rank: null },
    ])
  })

  test('several values where one is promised are NULL, or stop the query as the specification has it', async () => {
    const many = viewOf('Patient', { family: "name.where(use = 'old').family" })
    const resource = {
      resourceType: 'Patient',
      name: [
        { use: 'old', family: 'a' },
        { use: 'old', family: 'b' },
      ],
    }
    expect(await runView(bench, many, [resource])).toEqual([{ family: null }])
    await expect(runView(bench, many, [resource], { rules: 'specification' })).rejects.toThrow('several values')
  })
})

describe('the plan DuckDB makes', () => {
  test.each([
    ['a base view', { select: [{ column: column('id', 'type.coding.first().code') }] }],
    [
      'two levels of forEach',
      {
        select: [
          { column: column('id') },
          { forEach: 'item', select: [{ forEach: 'detail', column: column('sequence') }] },
        ],
      },
    ],
    [
      'siblings',
      {
        select: [
          { forEach: 'item', column: column('sequence') },
          { forEachOrNull: 'diagnosis', column: [{ name: 'd', path: 'sequence' }] },
        ],
      },
    ],
    [
      'unionAll',
      {
        select: [
          {
            unionAll: [
              { forEach: 'item', column: column('sequence') },
              { forEach: 'diagnosis', column: column('sequence') },
            ],
          },
        ],
      },
    ],
    [
      'a condition',
      { select: [{ column: column('id') }], where: [{ path: "item.exists(sequence > 1) and status = 'active'" }] },
    ],
  ])('of %s parses each resource once, and neither joins nor aggregates', async (_, definition) => {
    await bench.connection.run('CREATE OR REPLACE TABLE raw (json JSON)')
    const sql = compileView({ resource: 'Claim', ...definition }).sql({ from: 'raw', json: 'json', carry: [] })
    const plan = Object.values((await bench.rows(`EXPLAIN (FORMAT json) ${sql}`))[0]!).join('\n')
    expect(plan).not.toMatch(/JOIN|AGGREGATE|GROUP|CROSS_PRODUCT|CTE/)
    // The projection that parses is shown by its alias; a second parse would stand in a filter.
    expect(plan).toContain('PROJECTION')
    expect(plan).not.toContain('from_json')
  })
})
