/** The tables of FHIR's types: every element's type and whether it repeats (`schemas/fhir/*.json`). */
import { readFileSync } from 'node:fs'

export type FhirRelease = 'R4' | 'R4B' | 'R5'

const RELEASES: Readonly<Record<string, FhirRelease>> = { '4.0': 'R4', '4.1': 'R4B', '4.3': 'R4B', '5.0': 'R5' }

/** The release of a version like `4.0.1` or `5.0`; undefined for those without a table. */
export function releaseOf(version: string): FhirRelease | undefined {
  return RELEASES[version.split('.').slice(0, 2).join('.')]
}

export interface FhirElement {
  /** Without the `[x]` of a choice. */
  readonly name: string
  /** More than one for a choice. */
  readonly types: readonly string[]
  /** The resources that its references lead to; empty for any, and where it is no Reference. */
  readonly targets: readonly string[]
  readonly isChoice: boolean
  readonly isMany: boolean
}

interface Table {
  readonly version: string
  readonly resources: readonly string[]
  /** Primitive type to the one it refines, '' for none. */
  readonly primitives: Readonly<Record<string, string>>
  readonly bases: Readonly<Record<string, string>>
  /** `type`, `type*`, `type|type` or `Reference(type,type)` by element name; see schemas/fhir/generate.mjs. */
  readonly elements: Readonly<Record<string, Readonly<Record<string, string>>>>
}

export class FhirTypes {
  readonly release: FhirRelease
  /** Like 4.0.1. */
  readonly version: string
  private readonly table: Table
  private readonly resources: ReadonlySet<string>

  constructor(release: FhirRelease, table: Table) {
    this.release = release
    this.version = table.version
    this.table = table
    this.resources = new Set(table.resources)
  }

  isResource(name: string): boolean {
    return this.resources.has(name)
  }

  isPrimitive(name: string): boolean {
    return Object.hasOwn(this.table.primitives, name)
  }

  /** A complex type, a resource, or a backbone element by its path (`Patient.contact`). */
  isComplex(name: string): boolean {
    return Object.hasOwn(this.table.elements, name)
  }

  resourceNames(): readonly string[] {
    return this.table.resources
  }

  /** All names that `ofType()` may be given. */
  typeNames(): string[] {
    return [...Object.keys(this.table.primitives), ...Object.keys(this.table.elements)]
  }

  /** The element `name` of `type`, its own or its bases'. For `value[x]` the name is `value`. */
  element(type: string, name: string): FhirElement | undefined {
    for (let owner: string | undefined = type; owner !== undefined; owner = this.table.bases[owner]) {
      const elements = this.table.elements[owner]
      if (!elements) return undefined
      for (const key of [name, `${name}[x]`]) {
        if (Object.hasOwn(elements, key)) return readElement(key, elements[key]!)
      }
    }
    return undefined
  }

  /** Every element of `type`, its bases' first. */
  elements(type: string): FhirElement[] {
    const base = this.table.bases[type]
    const own = Object.entries(this.table.elements[type] ?? {}).map(([key, text]) => readElement(key, text))
    return base === undefined ? own : [...this.elements(base), ...own]
  }

  /** True when a value of `type` is also one of `ancestor`: `code` is a `string`, `Age` a `Quantity`. */
  isA(type: string, ancestor: string): boolean {
    for (let name: string | undefined = type; name; name = this.table.bases[name] ?? this.table.primitives[name]) {
      if (name === ancestor) return true
    }
    return false
  }
}

const loaded = new Map<FhirRelease, FhirTypes>()

/** Reads the release's table once. */
export function fhirTypes(release: FhirRelease): FhirTypes {
  let types = loaded.get(release)
  if (!types) {
    const file = new URL(`../../schemas/fhir/${release.toLowerCase()}.json`, import.meta.url)
    types = new FhirTypes(release, JSON.parse(readFileSync(file, 'utf8')) as Table)
    loaded.set(release, types)
  }
  return types
}

/** JSON name of a choice's alternative: `value` and `Quantity` make `valueQuantity`. */
export function choiceName(name: string, type: string): string {
  return name + type[0]!.toUpperCase() + type.slice(1)
}

function readElement(key: string, text: string): FhirElement {
  const isMany = text.endsWith('*')
  const isChoice = key.endsWith('[x]')
  return {
    name: isChoice ? key.slice(0, -3) : key,
    types: text.replace(/\*$|\([^)]*\)/g, '').split('|'),
    targets: /Reference\(([^)]*)\)/.exec(text)?.[1]?.split(',') ?? [],
    isChoice,
    isMany,
  }
}
