/** The tree that FHIRPath text parses to. */

export type LiteralType = 'string' | 'boolean' | 'integer' | 'decimal' | 'date' | 'dateTime' | 'time'

export type Ast = { /** Place in the text, from 1. */ readonly at: number } & (
  | { readonly kind: 'literal'; readonly type: LiteralType; readonly value: string }
  /** `{}` */
  | { readonly kind: 'empty' }
  /** `$this` */
  | { readonly kind: 'this' }
  /** `$index` */
  | { readonly kind: 'index' }
  /** `%name` */
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'member'; readonly of: Ast | undefined; readonly name: string }
  | { readonly kind: 'call'; readonly of: Ast | undefined; readonly name: string; readonly args: readonly Ast[] }
  | { readonly kind: 'item'; readonly of: Ast; readonly index: Ast }
  | { readonly kind: 'sign'; readonly operator: '+' | '-'; readonly of: Ast }
  | { readonly kind: 'binary'; readonly operator: BinaryOperator; readonly left: Ast; readonly right: Ast }
  | { readonly kind: 'type'; readonly operator: 'is' | 'as'; readonly of: Ast; readonly type: string }
)

export type BinaryOperator =
  | '*'
  | '/'
  | 'div'
  | 'mod'
  | '+'
  | '-'
  | '&'
  | '|'
  | '<'
  | '>'
  | '<='
  | '>='
  | '='
  | '!='
  | '~'
  | '!~'
  | 'in'
  | 'contains'
  | 'and'
  | 'or'
  | 'xor'
  | 'implies'
