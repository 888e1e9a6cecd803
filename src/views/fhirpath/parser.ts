/** FHIRPath tokens to a tree, by precedence climbing. */
import { ViewError } from '../view-error.ts'
import type { Ast, BinaryOperator } from './ast.ts'
import { tokenize, type Token } from './lexer.ts'

/** @throws ViewError VIEW_SYNTAX with the place in the text. */
export function parseFhirPath(text: string): Ast {
  return new Parser(tokenize(text)).whole()
}

/** Loosest first (FHIRPath N1, section 6.8). */
const LEVELS: readonly (readonly BinaryOperator[])[] = [
  ['implies'],
  ['or', 'xor'],
  ['and'],
  ['in', 'contains'],
  ['=', '!=', '~', '!~'],
  ['<', '>', '<=', '>='],
  ['|'],
  ['+', '-', '&'],
  ['*', '/', 'div', 'mod'],
]
/** The operands of `|` may be `… is T` and `… as T`, whose operands are sums. */
const UNION_LEVEL = 6

class Parser {
  private readonly tokens: readonly Token[]
  private next = 0

  constructor(tokens: readonly Token[]) {
    this.tokens = tokens
  }

  whole(): Ast {
    const tree = this.binary(0)
    if (this.peek().kind !== 'end') throw this.unexpected()
    return tree
  }

  private binary(level: number): Ast {
    const operators = LEVELS[level]
    if (!operators) return this.signed()
    const operand = () => (level === UNION_LEVEL ? this.typed() : this.binary(level + 1))
    let left = operand()
    for (let token = this.peek(); ; token = this.peek()) {
      const operator = operators.find((one) => isWord(token, one))
      if (!operator) return left
      this.next++
      left = { kind: 'binary', operator, left, right: operand(), at: token.at }
    }
  }

  private typed(): Ast {
    let of = this.binary(UNION_LEVEL + 1)
    for (let token = this.peek(); isWord(token, 'is') || isWord(token, 'as'); token = this.peek()) {
      this.next++
      of = { kind: 'type', operator: token.text as 'is' | 'as', of, type: this.typeName(), at: token.at }
    }
    return of
  }

  private signed(): Ast {
    const token = this.peek()
    if (!isSymbol(token, '-') && !isSymbol(token, '+')) return this.invocations()
    this.next++
    return { kind: 'sign', operator: token.text as '+' | '-', of: this.signed(), at: token.at }
  }

  private invocations(): Ast {
    let of = this.term()
    for (;;) {
      const { at } = this.peek()
      if (this.takes('.')) {
        of = this.invocation(of)
      } else if (this.takes('[')) {
        of = { kind: 'item', of, index: this.binary(0), at }
        this.expect(']')
      } else {
        return of
      }
    }
  }

  private term(): Ast {
    const token = this.peek()
    const { at, text } = token
    switch (token.kind) {
      case 'string':
      case 'integer':
      case 'decimal':
      case 'date':
      case 'dateTime':
      case 'time':
        this.next++
        return { kind: 'literal', type: token.kind, value: text, at }
      case 'variable':
        this.next++
        return { kind: 'variable', name: text, at }
      case 'symbol':
        if (this.takes('(')) {
          const inner = this.binary(0)
          this.expect(')')
          return inner
        }
        if (this.takes('{')) {
          this.expect('}')
          return { kind: 'empty', at }
        }
        throw this.unexpected()
      case 'name':
        if (text !== 'true' && text !== 'false') return this.invocation(undefined)
        this.next++
        return { kind: 'literal', type: 'boolean', value: text, at }
      case 'quoted name':
      case 'dollar':
        return this.invocation(undefined)
      case 'end':
        throw this.unexpected()
    }
  }

  private invocation(of: Ast | undefined): Ast {
    const { kind, text, at } = this.peek()
    if (kind === 'dollar' && text !== '$total') {
      this.next++
      return { kind: text === '$this' ? 'this' : 'index', at }
    }
    const name = this.name()
    return this.takes('(') ? { kind: 'call', of, name, args: this.rest(), at } : { kind: 'member', of, name, at }
  }

  /** Arguments up to the closing bracket, the opening one taken. */
  private rest(): Ast[] {
    const args: Ast[] = []
    if (this.takes(')')) return args
    do args.push(this.binary(0))
    while (this.takes(','))
    this.expect(')')
    return args
  }

  /** `Quantity`, `FHIR.Quantity` and `System.Quantity` are `Quantity`. */
  private typeName(): string {
    const name = this.name()
    if ((name !== 'FHIR' && name !== 'System') || !this.takes('.')) return name
    const inner = this.name()
    return name === 'System' ? inner[0]!.toLowerCase() + inner.slice(1) : inner
  }

  private name(): string {
    const token = this.peek()
    if (token.kind !== 'name' && token.kind !== 'quoted name') throw this.unexpected()
    this.next++
    return token.text
  }

  private peek(): Token {
    return this.tokens[this.next]!
  }

  private takes(symbol: string): boolean {
    const taken = isSymbol(this.peek(), symbol)
    if (taken) this.next++
    return taken
  }

  private expect(symbol: string): void {
    if (!this.takes(symbol)) throw this.unexpected(`${symbol} is missing`)
  }

  private unexpected(problem?: string): ViewError {
    const { kind, text, at } = this.peek()
    const found = kind === 'end' ? 'the text ends too early' : `${text} does not belong here`
    return new ViewError('VIEW_SYNTAX', problem ?? found, { position: at })
  }
}

function isSymbol(token: Token, symbol: string): boolean {
  return token.kind === 'symbol' && token.text === symbol
}

function isWord(token: Token, operator: string): boolean {
  return (token.kind === 'symbol' || token.kind === 'name') && token.text === operator
}
