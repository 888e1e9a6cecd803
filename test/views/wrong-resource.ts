/** Resources with values that are not what FHIR has there, made of sound ones. */
import type { Random } from './differential/random.ts'

type Json = null | boolean | number | string | Json[] | { [name: string]: Json }

/** The resource with a value or a few replaced, anywhere but its type. */
export function wrongResource(random: Random, resource: object): object {
  const made = structuredClone(resource) as { [name: string]: Json }
  for (let change = 0; change <= random.below(3); change++) {
    const places = placesOf(made).filter(({ name }) => name !== 'resourceType')
    const { owner, name } = random.pick(places)
    owner[name] = wrongValue(random, owner[name]!)
  }
  return made
}

interface Place {
  readonly owner: { [name: string | number]: Json }
  readonly name: string | number
}

function placesOf(owner: Json): Place[] {
  if (typeof owner !== 'object' || owner === null) return []
  const names = Array.isArray(owner) ? owner.keys() : Object.keys(owner)
  return [...names].flatMap((name) => [
    { owner: owner as Place['owner'], name },
    ...placesOf((owner as Place['owner'])[name]!),
  ])
}

function wrongValue(random: Random, value: Json): Json {
  switch (random.below(4)) {
    case 0:
      return [value]
    case 1:
      return Array.isArray(value) ? (value[0] ?? null) : { value }
    case 2:
      return Array.isArray(value) ? [...value, ...value] : [value, value]
    default:
      return structuredClone(random.pick(OTHERS))
  }
}

const OTHERS: readonly Json[] = [
  null,
  true,
  5,
  -1.5,
  12_345_678_901,
  '',
  'soon',
  '2024-13-40',
  '2024-02-30T25:00:00Z',
  '[1]',
  '{"a":1}',
  '[in_i]',
  [],
  {},
  [null],
  [[]],
  ['x'],
  [5, { value: 'x' }],
  { code: 'x', text: ['y'] },
]
