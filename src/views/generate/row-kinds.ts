/** All kinds of rows of a resource: one for the resource, one for each element that repeats, at any depth. */
import { choiceName, type FhirElement, type FhirTypes } from '../fhir-types.ts'
import { datatypeColumns } from './datatypes.ts'
import { joinNames, snakeCase } from './naming.ts'
import type { Concept, RowColumn, RowKind, Step } from './row.ts'

/** A choice of more types than this may be of any type. */
const OPEN_CHOICE_TYPES = 15

/** Of a choice that may be of any type, besides primitives: what values are measured, named and pointed at with. */
const OPEN_CHOICE =
  'Quantity Age Count Distance Duration Money Coding CodeableConcept Reference Period Range Ratio Identifier Attachment'
const OPEN_CHOICES = new Set(OPEN_CHOICE.split(' '))

/** Not columns: FHIR's way to add to itself, text for people, resources in resources. */
const LEFT_OUT = new Set(['Extension', 'Narrative', 'xhtml', 'Resource'])

/** FHIRPath's words that are elements' names too stand in backticks. */
const FHIRPATH_WORDS = new Set(['and', 'as', 'contains', 'div', 'implies', 'in', 'is', 'mod', 'or', 'xor'])

/** In the order of the definitions; a row's kind stands before those below it. */
export function rowKinds(resource: string, types: FhirTypes): RowKind[] {
  return new Walk(types).rows(resource, [], [], { name: '', element: resource, targets: [] })
}

/** An element, or one alternative of a choice, seen from the row. */
interface Member extends Owner {
  readonly type: string
  readonly targets: readonly string[]
  readonly isMany: boolean
}

/** Where elements are of: the row itself, or a value of its own elements. */
interface Owner {
  /** FHIRPath from the row. */
  readonly at: string
  readonly name: string
  readonly element: string
}

type Named = Pick<Member, 'name' | 'element' | 'targets'>

interface CollectedRow {
  readonly rowType: string
  readonly element: string
  readonly repeated: readonly string[]
}

interface Found {
  readonly columns: RowColumn[]
  readonly concepts: Concept[]
  readonly below: Member[]
}

class Walk {
  private readonly types: FhirTypes

  constructor(types: FhirTypes) {
    this.types = types
  }

  /** @param repeated types whose rows are of all depths already */
  rows(type: string, steps: readonly Step[], repeated: readonly string[], owner: Named): RowKind[] {
    const found: Found = { columns: [], concepts: [], below: [] }
    const { name, element } = owner
    const whole = datatypeColumns(type, { at: '', name, element }, owner.targets, this.types)
    if (whole) found.columns.push(...whole)
    else this.collect(type, { at: '', name: '', element }, { rowType: type, element, repeated }, found)
    const own: RowKind = {
      steps,
      element,
      columns: found.columns,
      concepts: found.concepts,
      hasCodingTable: this.hasCodingTable(type, found.concepts),
    }
    return [own, ...found.below.flatMap((member) => this.rowsBelow(member, steps, repeated))]
  }

  private rowsBelow(member: Member, steps: readonly Step[], repeated: readonly string[]): RowKind[] {
    const { type, at, name } = member
    const cycles = this.cycles(type, repeated)
    // Every path of a repeat is followed from every node, and this one means something else below.
    const isMistaken = !cycles.includes(at) && this.types.element(type, at.split('.')[0]!) !== undefined
    if (cycles.length === 0 || isMistaken)
      return this.rows(type, [...steps, { kind: 'forEach', paths: [at], name }], repeated, member)
    const step: Step = { kind: 'repeat', paths: [...new Set([at, ...cycles])], name }
    return this.rows(type, [...steps, step], [...repeated, type], member)
  }

  private collect(type: string, owner: Owner, row: CollectedRow, found: Found): void {
    const { rowType, repeated } = row
    for (const member of this.members(type, owner)) {
      if (LEFT_OUT.has(member.type) || repeated.includes(member.type)) continue
      if (this.types.isPrimitive(member.type)) {
        found.columns.push(primitive(member))
        continue
      }
      const isConcept = member.type === 'CodeableConcept' || member.type === 'Coding'
      if (isConcept && (member.isMany || member.type === 'CodeableConcept'))
        found.concepts.push({
          path: member.at,
          element: member.element.slice(row.element.length + 1),
          isMany: member.isMany,
          isCoding: member.type === 'Coding',
        })
      const isRow = member.isMany && !isConcept
      const columns = isRow ? undefined : this.columns(member)
      if (columns) found.columns.push(...columns)
      else if (member.type === rowType && found.below.some((one) => one.type === rowType)) continue
      else if (isRow || this.cycles(member.type, repeated).length > 0) found.below.push(member)
      else this.collect(member.type, member, row, found)
    }
  }

  private columns(member: Member): RowColumn[] | undefined {
    const at = member.isMany ? `${member.at}.first()` : member.at
    const element = member.isMany ? `${member.element} (the first)` : member.element
    return datatypeColumns(member.type, { at, element, name: member.name }, member.targets, this.types)
  }

  /** The elements of a type; of a resource, what it shares with all others comes last. */
  private members(type: string, owner: Owner): Member[] {
    const isResource = this.types.isResource(type)
    const shared = (element: FhirElement) => (isResource && SHARED.includes(element.name) ? 1 : 0)
    return this.types
      .elements(type)
      .filter(({ name }) => isResource || name !== 'id')
      .sort((left, right) => shared(left) - shared(right))
      .flatMap((element) => this.alternatives(element).map((one) => this.member(element, one, owner)))
  }

  private alternatives({ isChoice, types }: FhirElement): readonly string[] {
    if (!isChoice || types.length <= OPEN_CHOICE_TYPES) return types
    return types.filter((type) => this.types.isPrimitive(type) || OPEN_CHOICES.has(type))
  }

  private member(element: FhirElement, type: string, owner: Owner): Member {
    const json = element.isChoice ? choiceName(element.name, type) : element.name
    const word = FHIRPATH_WORDS.has(element.name) ? `\`${element.name}\`` : element.name
    const step = element.isChoice ? `${word}.ofType(${type})` : word
    return {
      type,
      targets: element.targets,
      isMany: element.isMany,
      at: owner.at === '' ? step : `${owner.at}.${step}`,
      name: joinNames(owner.name, snakeCase(json)),
      element: `${owner.element}.${json}`,
    }
  }

  /** FHIRPaths from a value of `type` to others of it inside. */
  private cycles(type: string, repeated: readonly string[]): string[] {
    return this.isLeaf(type) ? [] : this.waysBack(type, type, repeated, new Set())
  }

  /**
   * FHIRPaths from a value of `type` to values of `wanted` inside it, never through one, nor twice through another: an
   * ExampleScenario's process in an alternative of a step is not reached, which no other type has the like of.
   */
  private waysBack(type: string, wanted: string, repeated: readonly string[], passed: ReadonlySet<string>): string[] {
    return this.members(type, { at: '', name: '', element: '' }).flatMap((member) => {
      if (member.type === wanted) return [member.at]
      if (this.isLeaf(member.type) || repeated.includes(member.type) || passed.has(member.type)) return []
      return this.waysBack(member.type, wanted, repeated, new Set([...passed, member.type])).map(
        (way) => `${member.at}.${way}`,
      )
    })
  }

  private isLeaf(type: string): boolean {
    return (
      this.types.isPrimitive(type) ||
      LEFT_OUT.has(type) ||
      datatypeColumns(type, { at: '', name: '', element: '' }, [], this.types) !== undefined
    )
  }

  /** General datatypes (the type of an Identifier) have none, unless several concepts would be lost. */
  private hasCodingTable(type: string, concepts: readonly Concept[]): boolean {
    const isBackbone = this.types.isResource(type) || type.includes('.') || this.types.isA(type, 'BackboneElement')
    return concepts.some((concept) => isBackbone || concept.isMany)
  }
}

const SHARED = ['meta', 'implicitRules', 'language']

function primitive({ at, name, type, isMany, element }: Member): RowColumn {
  return { name, path: at, type, isMany, description: isMany ? `${element}: all its values.` : `${element}.` }
}
