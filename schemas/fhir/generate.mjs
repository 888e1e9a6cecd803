/**
 * Makes the compact element tables that the view compiler types paths by, from each release's StructureDefinitions.
 *
 *   npm install --prefix SOMEWHERE hl7.fhir.r4.examples@4.0.1 hl7.fhir.r4b.core@4.3.0 hl7.fhir.r5.core@5.0.0
 *   node schemas/fhir/generate.mjs SOMEWHERE/node_modules/hl7.fhir.r4.examples R4 > schemas/fhir/r4.json
 *   node schemas/fhir/generate.mjs SOMEWHERE/node_modules/hl7.fhir.r4b.core R4B > schemas/fhir/r4b.json
 *   node schemas/fhir/generate.mjs SOMEWHERE/node_modules/hl7.fhir.r5.core R5 > schemas/fhir/r5.json
 *
 * `elements[type][name]` is `type`, `type*` where it repeats, `type|type` for a choice (the name ends in `[x]`),
 * `Reference(Patient,Group)` where a reference may lead to some resources only.
 * A backbone element is a type of its own, named by its path; elements of a base type stand there only.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const [folder, release] = process.argv.slice(2)
const definitions = readdirSync(folder)
  .filter((file) => file.startsWith('StructureDefinition-') && file.endsWith('.json'))
  .map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')))
  .filter((one) => one.derivation !== 'constraint' && ['resource', 'complex-type', 'primitive-type'].includes(one.kind))
  .sort((a, b) => (a.type < b.type ? -1 : 1))

const table = { release, version: definitions[0].fhirVersion, resources: [], primitives: {}, bases: {}, elements: {} }
for (const one of definitions) {
  const base = one.baseDefinition?.split('/').at(-1)
  if (one.kind === 'primitive-type') {
    table.primitives[one.type] = base === 'Element' ? '' : base
    continue
  }
  if (one.kind === 'resource' && !one.abstract) table.resources.push(one.type)
  if (base) table.bases[one.type] = base
  table.elements[one.type] = {}
  for (const element of one.snapshot.element.slice(1)) addElement(one, element)
}
// R4 publishes Resource.id as a string with the rules of an id; R5 says id.
table.elements.Resource.id = 'id'
process.stdout.write(layOut(table))

function addElement(definition, element) {
  // An element of the base type is listed there.
  if (element.base.path !== element.path) return
  const cut = element.path.lastIndexOf('.')
  const owner = element.path.slice(0, cut)
  const types = element.contentReference
    ? [element.contentReference.split('#').at(-1)]
    : (element.type ?? []).map(typeCode)
  const isBackbone =
    types.length === 1 && (types[0] === 'BackboneElement' || types[0] === 'Element') && hasChildren(definition, element)
  if (isBackbone) {
    table.elements[element.path] = {}
    table.bases[element.path] = types[0]
    types[0] = element.path
  }
  table.elements[owner][element.path.slice(cut + 1)] =
    types.join('|') + (element.max === '1' || element.max === '0' ? '' : '*')
}

function hasChildren(definition, element) {
  return definition.snapshot.element.some((other) => other.path.startsWith(`${element.path}.`))
}

function typeCode({ code, extension, targetProfile = [] }) {
  if (code === 'Reference') {
    const targets = targetProfile.map((profile) => profile.split('/').at(-1))
    return targets.length === 0 || targets.includes('Resource') ? code : `${code}(${targets.join(',')})`
  }
  if (!code.startsWith('http://hl7.org/fhirpath/')) return code
  const named = extension?.find((one) => one.url.endsWith('/structuredefinition-fhir-type'))
  return named?.valueUrl ?? code.split('.').at(-1).toLowerCase()
}

/** One line a type: a release's changes stay readable in a diff. */
function layOut({ elements, ...rest }) {
  const head = Object.entries(rest).map(([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)},\n`)
  const lines = Object.entries(elements).map(
    ([type, fields]) => `    ${JSON.stringify(type)}: ${JSON.stringify(fields)}`,
  )
  return `{\n${head.join('')}  "elements": {\n${lines.join(',\n')}\n  }\n}\n`
}
