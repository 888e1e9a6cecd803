/** Resources with every element FHIR's table knows, each list with two items, and how often each element is in them. */
import { choiceName, type FhirElement, type FhirTypes } from '../../src/views/fhir-types.ts'

export interface MadeResources {
  readonly resources: readonly object[]
  /** `Patient.contact.telecom` → how many values. */
  readonly counts: ReadonlyMap<string, number>
}

/** Not asked of a generated table. */
const LEFT_OUT = new Set(['Extension', 'Narrative', 'xhtml', 'Resource'])

/** As many as it takes for every choice to have been each of its types. */
export function makeResources(type: string, types: FhirTypes): MadeResources {
  const maker = new Maker(types)
  const resources = [maker.resource(type, 0)]
  while (maker.hasMore()) resources.push(maker.resource(type, resources.length))
  return { resources, counts: maker.counts }
}

/** The types being made, each with the path where it was first. */
type Inside = ReadonlyMap<string, { readonly path: string; readonly times: number }>

class Maker {
  readonly counts = new Map<string, number>()
  private readonly types: FhirTypes
  private variant = 0
  private made = 0
  /** Of each choice, by its path: how often it was made, and how many types it has. */
  private readonly choices = new Map<string, { times: number; readonly types: number }>()

  constructor(types: FhirTypes) {
    this.types = types
  }

  resource(type: string, variant: number): object {
    this.variant = variant
    this.count(type)
    return { resourceType: type, ...this.object(type, type, new Map()), id: `id-${variant}` }
  }

  /** A type that is being made already is made once more inside itself, and no deeper. */
  private object(type: string, path: string, inside: Inside): object {
    const made: Record<string, unknown> = {}
    for (const element of this.types.elements(type)) {
      const chosen = this.chosen(element, path)
      if (LEFT_OUT.has(chosen) || (element.name === 'id' && !this.types.isResource(type))) continue
      if ((inside.get(chosen)?.times ?? 0) > 1) continue
      const key = element.isChoice ? choiceName(element.name, chosen) : element.name
      const items = Array.from({ length: element.isMany ? 2 : 1 }, () =>
        this.value(chosen, `${path}.${key}`, element.targets, inside),
      )
      made[key] = element.isMany ? items : items[0]
    }
    return made
  }

  hasMore(): boolean {
    return [...this.choices.values()].some(({ times, types }) => times < types)
  }

  private chosen({ name, isChoice, types }: FhirElement, path: string): string {
    if (!isChoice) return types[0]!
    const choice = this.choices.get(`${path}.${name}`) ?? { times: 0, types: types.length }
    this.choices.set(`${path}.${name}`, choice)
    choice.times += 1
    return types[(choice.times - 1) % types.length]!
  }

  private value(type: string, path: string, targets: readonly string[], inside: Inside): unknown {
    const place = inside.get(type)?.path ?? path
    this.count(place)
    this.made += 1
    if (this.types.isPrimitive(type)) return primitive(type, this.made)
    const target = targets[this.variant % Math.max(targets.length, 1)] ?? 'Patient'
    if (type === 'Reference')
      return { reference: `${target}/${this.made}`, identifier: { value: `i${this.made}` }, display: `d${this.made}` }
    const times = (inside.get(type)?.times ?? 0) + 1
    return this.object(type, place, new Map([...inside, [type, { path: place, times }]]))
  }

  private count(path: string): void {
    this.counts.set(path, (this.counts.get(path) ?? 0) + 1)
  }
}

function primitive(type: string, number: number): unknown {
  switch (type) {
    case 'boolean':
      return number % 2 === 0
    case 'integer':
    case 'positiveInt':
    case 'unsignedInt':
      return number % 1000
    case 'decimal':
      return number / 4
    case 'date':
      return '2024-02-03'
    case 'dateTime':
    case 'instant':
      return '2024-02-03T04:05:06Z'
    case 'time':
      return '04:05:06'
    case 'base64Binary':
      return 'AQID'
    default:
      return `${type} ${number}`
  }
}
