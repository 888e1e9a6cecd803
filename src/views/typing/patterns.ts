/** Regular expressions in a path, and what their matches are replaced by (FHIRPath N1, 5.6). */
import { text, type Expr } from '../plan/expr.ts'
import { ViewError } from '../view-error.ts'
import { textArgument, type Call } from './function.ts'

/** @throws ViewError for one that no database could run; one that comes of the data matches nothing if it is wrong. */
export function patternArgument(given: Call, place: number): Expr {
  const pattern = textArgument(given, place)
  if (pattern.op !== 'text') return pattern
  const problem = problemOf(pattern.value)
  // A group's name in the older way, which every engine reads.
  if (problem === undefined) return text(pattern.value.replaceAll('(?<', '(?P<'))
  throw new ViewError('VIEW_UNSUPPORTED', `the regular expression ${problem}`, { position: given.args[place]!.at })
}

/** Linear-time engines, as databases have them, know neither of the first two. */
function problemOf(pattern: string): string | undefined {
  const plain = pattern.replace(/\\\\/g, '')
  if (/\(\?<?[=!]/.test(plain)) return 'looks ahead or behind, which is not supported'
  if (/\\[1-9k]/.test(plain)) return 'refers back to a group, which is not supported'
  const escape = /\\[ceghijlmoquyEGHIJKLMNORTUVXYZ]/.exec(plain.replace(/\\Q[\s\S]*?\\E/g, ''))
  if (escape) return `has ${escape[0]}, which has no meaning`
  const counts = [...plain.matchAll(/\{(\d+)(?:,(\d*))?\}/g)].flatMap(([, least, most]) => [
    Number(least),
    Number(most ?? 0),
  ])
  if (counts.some((count) => count > 1000)) return 'repeats more than 1000 times'
  if (/\[[^\]]*[^\[]-\\[dswDSW]/.test(plain)) return 'has a range that ends in a class'
  try {
    new RegExp(
      pattern
        .replace(/\(\?[imsU-]+\)|\\[AzQ]/g, '')
        .replace(/\(\?[imsU-]+:/g, '(?:')
        .replaceAll('(?P<', '(?<'),
    )
  } catch {
    return 'is not well-formed'
  }
  return undefined
}

/** `$1` and `${name}` are groups of the pattern; the middle form writes `\1` for both, and `\\` for a backslash. */
export function substitution(given: Call, pattern: Expr): Expr {
  const by = textArgument(given, 1)
  if (by.op === 'none') return by
  if (by.op !== 'text' || pattern.op !== 'text')
    throw new ViewError('VIEW_UNSUPPORTED', `${given.name}() takes its arguments as texts in the path`, {
      position: given.args[by.op === 'text' ? 0 : 1]!.at,
    })
  const groups = [...pattern.value.replace(/\\./g, '').matchAll(/\((?:\?P?<(\w+)>|(?!\?))/g)].map(([, name]) => name)
  return text(
    by.value.replace(/\\|\$(\d)|\$\{(\w+)\}/g, (found, digit: string | undefined, name: string | undefined) => {
      if (found === '\\') return '\\\\'
      const place = digit === undefined ? groups.indexOf(name) + 1 || Number(name) : Number(digit)
      if (place <= groups.length) return `\\${place}`
      throw new ViewError('VIEW_UNKNOWN', `the regular expression has no group ${name ?? digit}`, {
        position: given.args[1]!.at,
      })
    }),
  )
}
