/** What keeps a file from being YAML, in plain words; no text of the file is shown, it may hold a secret. */
import type { YAMLError } from 'yaml'

export interface SyntaxMistake {
  /** Both counted from 1, as editors do. */
  readonly line: number
  readonly column: number
  readonly problem: string
  readonly wayOut: string
}

/**
 * One slip makes the parser complain several times, and often of something else: where the slip is found in the lines
 * themselves, it is told alone.
 */
export function syntaxMistakes(
  text: string,
  errors: readonly YAMLError[],
  placeAt: (offset: number) => { readonly line: number; readonly column: number },
): SyntaxMistake[] {
  const lines = text.split(/\r?\n/)
  const found: SyntaxMistake[] = []
  for (const error of errors) {
    const place = placeAt(error.pos[0])
    const slip = SLIPPERY.has(error.code) && !UNCLOSED.test(error.message) ? slipAt(lines, place.line) : undefined
    if (slip !== undefined) return [...found, slip]
    if (!found.some(({ line }) => line === place.line)) found.push({ ...place, ...wordsFor(error) })
  }
  return found
}

/** Codes under which the parser reports an indentation that is wrong, and a space or colon that is missing. */
const SLIPPERY: ReadonlySet<string> = new Set([
  'BAD_INDENT',
  'BLOCK_AS_IMPLICIT_KEY',
  'MISSING_CHAR',
  'MULTILINE_IMPLICIT_KEY',
  'UNEXPECTED_TOKEN',
])

const UNCLOSED = /^(Flow|Missing closing)/

function slipAt(lines: readonly string[], line: number): SyntaxMistake | undefined {
  const here = lines[line - 1] ?? ''
  const at = (place: number, column: number, problem: string, wayOut: string) => ({
    line: place,
    column: column + 1,
    problem,
    wayOut,
  })
  const indent = indentOf(here)
  if (/^ *-[^\s-]/.test(here)) return at(line, indent, 'a space is missing after the dash', 'Write it as "- name: …".')
  if (/^ *\w+$/.test(here)) return at(line, indent, 'a colon is missing after this key', 'Write it as "key: …".')
  if (/^ *(- +)*\w+:[^\s/]/.test(here)) {
    return at(line, here.indexOf(':') + 1, 'a space is missing after the colon', 'Write it as "key: value".')
  }
  const above = new Set(lines.slice(0, line - 1).flatMap(columnsOf))
  if (line > 1 && !above.has(indent) && indent < Math.max(...above)) {
    const problem = `the line is indented by ${indent} spaces, as no line above it is`
    return at(line, indent, problem, 'Let the keys of one block begin in the same column.')
  }
  const next = lines.findIndex((text, index) => index >= line && isWritten(text))
  const key = columnsOf(here).at(-1)!
  if (next < 0 || indentOf(lines[next]!) <= key || !/:\s+\S/.test(here)) return undefined
  const problem = 'the line is indented deeper than the one above, which has its value already'
  return at(next + 1, indentOf(lines[next]!), problem, `Let it begin in column ${key + 1}, as the key above does.`)
}

/** Where a block may go on: before a dash and behind it. */
function columnsOf(text: string): number[] {
  if (!isWritten(text)) return []
  const dashes = /^ *((?:- +)*)/.exec(text)![0].length
  return [...new Set([indentOf(text), dashes])]
}

function indentOf(text: string): number {
  return /^ */.exec(text)![0].length
}

function isWritten(text: string): boolean {
  return /^\s*[^\s#]/.test(text)
}

const WORDS: Readonly<Record<string, readonly [problem: string, wayOut: string]>> = {
  ALIAS_PROPS: ['an alias (*name) can carry no anchor or tag', 'Remove the anchor or tag.'],
  BAD_DQ_ESCAPE: ['a backslash in double quotes begins an escape YAML does not know', 'Use single quotes, or \\\\.'],
  BAD_INDENT: ['the indentation does not fit the lines above', 'Indent the keys of one block by the same spaces.'],
  BAD_SCALAR_START: ['plain text can not begin with this character', 'Put the text in quotes.'],
  BLOCK_AS_IMPLICIT_KEY: ['a block can not begin here', 'Put it on the next line, indented; or quote text with ": ".'],
  DUPLICATE_KEY: ['this key stands here twice', 'Keep one of them.'],
  MISSING_CHAR: ['a character is missing here', 'Close the bracket, or put a space after the colon or dash.'],
  MULTILINE_IMPLICIT_KEY: ['a key is spread over several lines', 'Look for a missing colon in the line above.'],
  MULTIPLE_DOCS: ['a second document begins here', 'Remove the line with --- or what follows it.'],
  TAB_AS_INDENT: ['a tab is used for indentation', 'Use spaces.'],
  TAG_RESOLVE_FAILED: ['this tag (!name) is not known', 'Put text that begins with ! in quotes.'],
  UNEXPECTED_TOKEN: ['YAML expects something else here', 'Look at colons, quotes and indentation here and above.'],
}

function wordsFor({ code, message }: YAMLError): Pick<SyntaxMistake, 'problem' | 'wayOut'> {
  if (UNCLOSED.test(message)) {
    const mark = message.startsWith('Flow') ? 'bracket' : 'quote'
    return {
      problem: `a ${mark} that was opened above is not closed`,
      wayOut: `Close it: the missing ${mark} is above.`,
    }
  }
  const [problem, wayOut] = WORDS[code] ?? ['the text is no valid YAML', 'Look at this line and the one above.']
  return { problem, wayOut }
}
