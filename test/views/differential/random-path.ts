/** Random FHIRPath that has a type: what the compiler would refuse is not made. */
import type { FhirTypes } from '../../../src/views/fhir-types.ts'
import type { Random } from './random.ts'
import { elementsFor, valuesOf } from './random-resource.ts'

interface Path {
  readonly text: string
  /** A primitive type, or a complex one. */
  readonly type: string
  readonly isMany: boolean
}

const NUMBERS = ['integer', 'positiveInt', 'unsignedInt', 'decimal']
const DATES = ['date', 'dateTime', 'instant']

export class RandomPath {
  private readonly random: Random
  private readonly types: FhirTypes

  constructor(random: Random, types: FhirTypes) {
    this.random = random
    this.types = types
  }

  /** A path for a column on a resource or object of this type. */
  column(focus: string): string {
    const kind = this.random.below(10)
    if (kind < 4) return this.primitive(focus, 3).text
    if (kind < 8) return this.condition(focus, 2)
    return kind === 8 ? this.text(focus) : this.number(focus)
  }

  private condition(focus: string, depth: number): string {
    const inner = () => this.condition(focus, depth - 1)
    switch (this.random.below(depth > 0 ? 12 : 7)) {
      case 0:
        return `${this.any(focus, 3).text}.exists()`
      case 1:
        return `${this.any(focus, 3).text}.empty()`
      case 2:
      case 3:
        return this.comparison(focus)
      case 4: {
        const path = this.primitive(focus, 3)
        return this.random.chance(0.5)
          ? `${this.literal(path.type)} in ${path.text}`
          : `${path.text} contains ${this.literal(path.type)}`
      }
      case 5:
        return `${this.number(focus)} ${this.random.pick(['=', '!=', '<', '>', '<=', '>='])} ${this.random.below(4)}`
      case 6: {
        const path = this.primitive(focus, 3)
        return `(${path.text} ${this.random.pick(['=', '!='])} ${this.union(path)})`
      }
      case 7:
        return `(${inner()} ${this.random.pick(['and', 'or', 'xor', 'implies'])} ${inner()})`
      case 8:
        return `(${inner()}).not()`
      case 9: {
        const path = this.object(focus, 2)
        return path ? `${path.text}.exists(${this.condition(path.type, depth - 1)})` : inner()
      }
      case 10: {
        const path = this.object(focus, 2)
        return path ? `${path.text}.all(${this.condition(path.type, depth - 1)})` : inner()
      }
      default:
        return `iif(${inner()}, ${inner()}, ${inner()})`
    }
  }

  private comparison(focus: string): string {
    const path = this.primitive(focus, 3)
    const isOrdered = path.type !== 'boolean'
    const operator = this.random.pick(isOrdered ? ['=', '!=', '<', '>', '<=', '>='] : ['=', '!='])
    const left = operator === '=' || operator === '!=' ? path.text : `${path.text}.first()`
    return `(${left} ${operator} ${this.literal(path.type)})`
  }

  private union(path: Path): string {
    return `(${this.literal(path.type)} | ${this.literal(path.type)})`
  }

  private text(focus: string): string {
    const path = this.primitive(focus, 3, (type) => isText(this.types, type))
    const first = `${path.text}.first()`
    return this.random.pick([
      `${path.text}.join(',')`,
      `${first}.startsWith('a')`,
      `${first}.endsWith('b')`,
      `${first}.contains('f')`,
      `${first}.upper()`,
      `${first}.length()`,
      `${first}.substring(1)`,
      `${first}.substring(0, 1)`,
      `${first}.indexOf('b')`,
      `${first}.replace('a', 'xx')`,
      `${first} & '!'`,
      `(${first} + 'z')`,
      `(${path.text} | 'a').count()`,
      `${path.text}.distinct()`,
      `${path.text}.isDistinct()`,
      `${path.text}.intersect('a' | 'b')`,
      `${path.text}.exclude('a')`,
      `${first}.matches('^[a-m]+$')`,
    ])
  }

  private number(focus: string): string {
    if (this.random.chance(0.6)) return `${this.any(focus, 3).text}.count()`
    const path = this.primitive(focus, 3, (type) => NUMBERS.includes(type))
    return `(${path.text}.first() ${this.random.pick(['+', '-', '*'])} ${this.random.below(4)})`
  }

  private any(focus: string, depth: number): Path {
    return this.random.chance(0.3)
      ? (this.object(focus, depth) ?? this.primitive(focus, depth))
      : this.primitive(focus, depth)
  }

  /** Ends at a primitive for which `fits` is true. */
  private primitive(focus: string, depth: number, fits: (type: string) => boolean = () => true): Path {
    for (let attempt = 0; attempt < 60; attempt++) {
      const path = this.walk(focus, depth, true)
      if (path && fits(path.type)) return path
    }
    return fits('integer') && !fits('string')
      ? { text: '2', type: 'integer', isMany: false }
      : { text: "'a'", type: 'string', isMany: false }
  }

  private object(focus: string, depth: number): Path | undefined {
    for (let attempt = 0; attempt < 20; attempt++) {
      const path = this.walk(focus, depth, false)
      if (path) return path
    }
    return undefined
  }

  private walk(focus: string, depth: number, toPrimitive: boolean): Path | undefined {
    let path: Path = { text: '', type: focus, isMany: false }
    for (let step = 0; step < depth; step++) {
      path = this.step(path)
      if (this.types.isPrimitive(path.type)) return toPrimitive ? this.picked(path) : undefined
      if (!toPrimitive && this.random.chance(0.5)) return path
    }
    return toPrimitive ? undefined : path
  }

  private step(from: Path): Path {
    const element = this.random.pick(elementsFor(this.types, from.type))
    const type = this.random.pick(element.types)
    const name = element.name === 'class' ? '`class`' : element.name
    const text = `${from.text === '' ? '' : `${from.text}.`}${name}${element.isChoice ? `.ofType(${type})` : ''}`
    return this.picked({ text, type, isMany: from.isMany || element.isMany })
  }

  /** Some of the items, or those that meet a condition. */
  private picked(path: Path): Path {
    if (!path.isMany || this.random.chance(0.6)) return path
    const isObject = !this.types.isPrimitive(path.type)
    const filter = isObject
      ? `where(${this.condition(path.type, 0)})`
      : `where($this ${this.random.pick(['=', '!='])} ${this.literal(path.type)})`
    const way = this.random.pick(['first()', 'last()', 'tail()', 'skip(1)', 'take(2)', '[1]', filter])
    const isMany = !['first()', 'last()', '[1]'].includes(way)
    return { ...path, text: path.text + (way.startsWith('[') ? way : `.${way}`), isMany }
  }

  private literal(type: string): string {
    const value = this.random.pick(valuesOf(type))
    if (typeof value !== 'string') return value === -3 ? '(-3)' : String(value)
    if (type === 'time') return `@T${value}`
    if (DATES.includes(type)) return `@${value}`
    return `'${value.replaceAll("'", "\\'")}'`
  }
}

function isText(types: FhirTypes, type: string): boolean {
  return !['boolean', 'time', ...NUMBERS, ...DATES].includes(type) && types.isPrimitive(type)
}
