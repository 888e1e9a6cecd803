/** Random resources by the table of FHIR's types, with few values, so that comparisons are often true. */
import { choiceName, type FhirTypes } from '../../../src/views/fhir-types.ts'
import type { Random } from './random.ts'

/** What a primitive may be; the same values stand in random paths as literals. */
export const VALUES: Readonly<Record<string, readonly (string | number | boolean)[]>> = {
  boolean: [true, false],
  integer: [0, 1, 2, 7],
  positiveInt: [1, 2, 7],
  unsignedInt: [0, 1, 2],
  decimal: [0.5, 1.5, 2, 10.25, -3],
  date: ['2019', '2019-05', '2019-05-06', '2020-01-01'],
  dateTime: [
    '2019',
    '2019-05',
    '2019-05-06',
    '2019-05-06T12:00:00Z',
    '2019-05-06T14:00:00+02:00',
    '2020-01-01T12:30:00.5Z',
  ],
  instant: ['2019-05-06T12:00:00Z', '2020-01-01T12:30:00.500Z'],
  time: ['10:00:00', '10:11:12', '23:59:59'],
}
const TEXTS = ['a', 'b', 'ab', 'official', "it's", 'Ä b']

export function valuesOf(type: string): readonly (string | number | boolean)[] {
  return VALUES[type] ?? TEXTS
}

/** Types that lead too far, or have rules of their own. */
const LEFT_OUT = new Set([
  'Resource',
  'Narrative',
  'Meta',
  'Extension',
  'SampledData',
  'Attachment',
  'xhtml',
  'base64Binary',
])

export function elementsFor(types: FhirTypes, type: string) {
  return types
    .elements(type)
    .map((element) => ({ ...element, types: element.types.filter((one) => !LEFT_OUT.has(one)) }))
    .filter((element) => element.types.length > 0 && !['id', 'implicitRules', 'language'].includes(element.name))
}

export function randomResource(random: Random, types: FhirTypes, type: string): object {
  return { resourceType: type, id: random.pick(['a', 'b']), ...randomObject(random, types, type, 0) }
}

function randomObject(random: Random, types: FhirTypes, type: string, depth: number): object {
  const made: Record<string, unknown> = {}
  for (const element of elementsFor(types, type)) {
    if (!random.chance(depth === 0 ? 0.7 : 0.5)) continue
    const choice = random.pick(element.types)
    const one = () => randomValue(random, types, choice, depth + 1)
    const name = element.isChoice ? choiceName(element.name, choice) : element.name
    const value = element.isMany ? Array.from({ length: 1 + random.below(3) }, one).filter(isSome) : one()
    if (isSome(value) && !(Array.isArray(value) && value.length === 0)) made[name] = value
  }
  return made
}

/** Undefined where an object would be empty, which FHIR does not know. */
function randomValue(random: Random, types: FhirTypes, type: string, depth: number): unknown {
  if (types.isPrimitive(type)) return random.pick(valuesOf(type))
  if (depth > 4) return undefined
  const made = randomObject(random, types, type, depth)
  return Object.keys(made).length === 0 ? undefined : made
}

function isSome(value: unknown): boolean {
  return value !== undefined
}
