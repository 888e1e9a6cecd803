/** FHIRPath text to tree: precedence, literals, escapes, and where a mistake is. */
import { expect, test } from 'vitest'
import type { Ast } from '../../src/views/fhirpath/ast.ts'
import { parseFhirPath } from '../../src/views/fhirpath/parser.ts'
import { ViewError } from '../../src/views/view-error.ts'

/** The tree as text with every bracket written. */
function shown(ast: Ast): string {
  switch (ast.kind) {
    case 'literal':
      return ast.type === 'string' ? `'${ast.value}'` : `${ast.type}:${ast.value}`
    case 'empty':
      return '{}'
    case 'this':
      return '$this'
    case 'index':
      return '$index'
    case 'variable':
      return `%${ast.name}`
    case 'member':
      return ast.of ? `${shown(ast.of)}.${ast.name}` : ast.name
    case 'call':
      return `${ast.of ? `${shown(ast.of)}.` : ''}${ast.name}(${ast.args.map(shown).join(',')})`
    case 'item':
      return `${shown(ast.of)}[${shown(ast.index)}]`
    case 'sign':
      return `(${ast.operator}${shown(ast.of)})`
    case 'binary':
      return `(${shown(ast.left)} ${ast.operator} ${shown(ast.right)})`
    case 'type':
      return `(${shown(ast.of)} ${ast.operator} ${ast.type})`
  }
}

test.each([
  ['a or b and c', '(a or (b and c))'],
  ['a implies b or c', '(a implies (b or c))'],
  ['a = b and c != d', '((a = b) and (c != d))'],
  ['a + b * c - d', '((a + (b * c)) - d)'],
  ['a | b = c', '((a | b) = c)'],
  ['a is Quantity = true', '((a is Quantity) = boolean:true)'],
  ['a + b as FHIR.string', '((a + b) as string)'],
  ['-a.b[0]', '(-a.b[integer:0])'],
  ['a in b or b contains a', '((a in b) or (b contains a))'],
  [
    'name.where(use = %use and $index > 0).given.first()',
    'name.where(((use = %use) and ($index > integer:0))).given.first()',
  ],
  ["text.contains('x')", "text.contains('x')"],
  ["`class`.code & '\\'\\u0041\\n'", "(class.code & ''A\n')"],
  ['@2012-04 < @2012-04-01T10:00:00.5+02:00', '(date:2012-04 < dateTime:2012-04-01T10:00:00.5+02:00)'],
  ['@T10:00 = 1.50 /* why */ // not', '(time:10:00 = decimal:1.50)'],
  ['{} | $this', '({} | $this)'],
])('%s is read as %s', (text, tree) => {
  expect(shown(parseFhirPath(text))).toBe(tree)
})

test.each([
  ['@@', 1],
  ['', 1],
  ['name.', 6],
  ['name.where(use', 15],
  ["name = 'x", 8],
  ['name given', 6],
  ['name..given', 6],
  ['a = # b', 5],
  ['$total', 1],
])('%s is refused at character %i', (text, position) => {
  try {
    parseFhirPath(text)
    expect.unreachable()
  } catch (error) {
    expect(error).toBeInstanceOf(ViewError)
    expect((error as ViewError).code).toBe('VIEW_SYNTAX')
    expect((error as ViewError).place.position).toBe(position)
  }
})
