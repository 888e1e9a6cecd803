/** The source files as the house rules see them: folder, text, imports, and the few expressions that are restricted. */
import { readFileSync, readdirSync } from 'node:fs'
import { join, posix, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

export const ROOT = fileURLToPath(new URL('../../', import.meta.url))

export interface Import {
  readonly specifier: string
  readonly line: number
  /** `import type …`: gone at run time. */
  readonly isType: boolean
}

export interface SourceFile {
  /** `src/bulk/token.ts` */
  readonly path: string
  /** `bulk`; `main` for `src/main.ts`. */
  readonly folder: string
  readonly text: string
  readonly imports: readonly Import[]
  readonly tree: ts.SourceFile
}

/** All TypeScript files below `top`, in order of their paths. */
export function readTree(top: 'src' | 'test'): SourceFile[] {
  return readdirSync(join(ROOT, top), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort()
    .map(readSource)
}

function readSource(path: string): SourceFile {
  const text = readFileSync(join(ROOT, path), 'utf8')
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true)
  const folder = path.split('/').length > 2 ? path.split('/')[1]! : 'main'
  return { path, folder, text, tree, imports: importsOf(tree) }
}

function importsOf(tree: ts.SourceFile): Import[] {
  const found: Import[] = []
  walk(tree, (node) => {
    const add = (name: ts.Node | undefined, isType: boolean): void => {
      if (name && ts.isStringLiteral(name)) found.push({ specifier: name.text, line: lineOf(node), isType })
    }
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, node.importClause?.isTypeOnly ?? false)
    if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly)
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true)
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) add(node.arguments[0], false)
  })
  return found
}

/** The path (`src/core/sql.ts`) that a relative import of `file` names; undefined for packages. */
export function importedPath(file: SourceFile, { specifier }: Import): string | undefined {
  return specifier.startsWith('.') ? posix.join(posix.dirname(file.path), specifier) : undefined
}

/** The package that an import names (`ajv` for `ajv/dist/2020.js`); undefined for our own files and Node's. */
export function importedPackage({ specifier }: Import): string | undefined {
  if (specifier.startsWith('.') || specifier.startsWith('node:')) return undefined
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node)
  node.forEachChild((child) => walk(child, visit))
}

/** Counted from 1. */
export function lineOf(node: ts.Node): number {
  return node.getSourceFile().getLineAndCharacterOfPosition(node.getStart()).line + 1
}

/** `path:line` of each place where `object.property` is written. */
export function usesOf(file: SourceFile, object: string, properties?: readonly string[]): string[] {
  const found: string[] = []
  walk(file.tree, (node) => {
    if (!ts.isPropertyAccessExpression(node) && !ts.isElementAccessExpression(node)) return
    if (!ts.isIdentifier(node.expression) || node.expression.text !== object) return
    const name = ts.isPropertyAccessExpression(node) ? node.name : node.argumentExpression
    const isMeant =
      !properties || (ts.isMemberName(name) || ts.isStringLiteral(name) ? properties.includes(name.text) : true)
    if (isMeant) found.push(`${file.path}:${lineOf(node)}`)
  })
  return found
}
