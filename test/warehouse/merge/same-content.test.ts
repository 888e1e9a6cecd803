import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { mergeShapes, structOf, type Shape } from '../../../src/warehouse/merge/json-shape.ts'
import { WarehouseFixture } from '../warehouse-fixture.ts'

const T1 = '2026-01-01T00:00:00Z'
const T2 = '2026-01-02T00:00:00Z'
const META = '"meta":{"versionId":"1","lastUpdated":"2026-01-01T00:00:00Z"}'

let warehouse: WarehouseFixture
beforeEach(async () => {
  warehouse = await WarehouseFixture.make()
})
afterEach(() => warehouse.close())

/** Loads one line, then another: how many resources changed by the second, and by a third that repeats it. */
async function reload(before: string, after: string): Promise<{ updated: number; unchanged: number; again: number }> {
  const load = async (at: string, text: string) => {
    const merged = await warehouse.load(at, [{ lines: [], text: `${text}\n` }])
    return merged.types[0]!
  }
  await load(T1, before)
  const { updated, unchanged } = await load(T2, after)
  const hashes = await warehouse.index('hash::VARCHAR AS hash')
  const again = (await load(T2, after)).unchanged
  expect(await warehouse.index('hash::VARCHAR AS hash')).toEqual(hashes)
  return { updated, unchanged, again }
}

const SAME = { updated: 0, unchanged: 1, again: 1 }
const CHANGED = { updated: 1, unchanged: 0, again: 1 }
const BEFORE = `{"resourceType":"Patient","id":"1",${META},"name":[{"family":"Müller","given":["A","B"]}],"x":{"n":1.50,"e":{}}}`

describe('the same resource in other words rewrites nothing', () => {
  test.each([
    [
      'in another order of keys, at every depth',
      `{"x":{"e":{},"n":1.50},"name":[{"given":["A","B"],"family":"Müller"}],${META},"id":"1","resourceType":"Patient"}`,
    ],
    [
      'with other white space',
      BEFORE.replaceAll(',', ' ,\t')
        .replaceAll(':', ' : ')
        .replaceAll('2026-01-01T00 : 00 : 00Z', '2026-01-01T00:00:00Z'),
    ],
    ['with other escapes', BEFORE.replace('ü', '\\u00fc')],
  ])('%s', async (_, after) => {
    expect(await reload(BEFORE, after)).toEqual(SAME)
  })

  test('where the server gives no version at all', async () => {
    const before = '{"resourceType":"Patient","id":"1","name":[{"family":"A"}]}'
    expect(await reload(before, '{"name": [{"family": "A"}], "id": "1", "resourceType": "Patient"}')).toEqual(SAME)
  })
})

describe('a change is a change', () => {
  test.each([
    ['of a value', BEFORE.replace('Müller', 'Meier')],
    ['of the order in a list', BEFORE.replace('["A","B"]', '["B","A"]')],
    [
      'of values that changed places',
      BEFORE.replace('"family":"Müller","given":["A","B"]', '"family":"A","given":["Müller","B"]'),
    ],
    ['of the digits of a number', BEFORE.replace('1.50', '1.5')],
    [
      'of two numbers that changed their digits',
      BEFORE.replace('"n":1.50', '"n":1.50,"m":1.5'),
      BEFORE.replace('"n":1.50', '"n":1.5,"m":1.50'),
    ],
    ['of a number into text', BEFORE.replace('1.50', '"1.50"')],
    ['that adds what was not there', BEFORE.replace('"x":', '"y":true,"x":')],
  ])('%s, though version and instant stayed', async (_, after, before = BEFORE) => {
    expect(await reload(before, after)).toEqual(CHANGED)
  })

  test('where the server says so, without a look at the content: another version', async () => {
    expect(await reload(BEFORE, BEFORE.replace('"versionId":"1"', '"versionId":"2"'))).toEqual(CHANGED)
  })

  test('where no structure can tell: keys that differ only in case', async () => {
    const odd = BEFORE.replace('"x":', '"X":1,"x":')
    expect(await reload(odd, odd.replace('"X":1,', '').replace('"id":"1",', '"id":"1","X":1,'))).toEqual(CHANGED)
  })
})

describe('shapes', () => {
  test('are merged by what both have; what differs in kind is text', () => {
    const shapes: Shape[] = [
      { a: 'NULL', b: [{ c: 'VARCHAR' }] },
      { a: { d: 'BIGINT' }, b: [{ e: 'JSON' }] },
      { b: 'VARCHAR', f: {} },
    ]
    expect(structOf(shapes.reduce(mergeShapes))).toEqual({ a: { d: 'JSON' }, b: 'JSON', f: 'JSON' })
  })

  test('without a name, or with two of one name, are none', () => {
    expect(structOf({ a: [{ '': 'VARCHAR' }] })).toBeUndefined()
    expect(structOf({ a: { id: 'VARCHAR', Id: 'VARCHAR' } })).toBeUndefined()
  })
})
