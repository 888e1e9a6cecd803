/** The name somebody probably meant: by the fewest letters changed, or by its beginning. */

/** The candidate nearest to `word`, or the only one it is the beginning of; undefined when it is no slip of the hand. */
export function nearestName(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = word.toLowerCase()
  const names = [...candidates]
  const longer = wanted.length < 3 ? [] : names.filter((name) => name.toLowerCase().startsWith(wanted))
  if (longer.length === 1) return longer[0]
  let best: string | undefined
  let least = Math.max(1, Math.min(4, Math.floor(word.length / 3))) + 1
  for (const candidate of names) {
    const changes = lettersChanged(wanted, candidate.toLowerCase(), least)
    if (changes < least) {
      best = candidate
      least = changes
    }
  }
  return best
}

/** Letters added, left out, replaced, or swapped with their neighbour; `limit` once no row stays below it. */
function lettersChanged(from: string, to: string, limit: number): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column)
  let before: readonly number[] = []
  for (let line = 1; line <= from.length; line++) {
    const next = [line]
    for (let column = 1; column <= to.length; column++) {
      const same = from[line - 1] === to[column - 1] ? 0 : 1
      const isSwapped = line > 1 && from[line - 1] === to[column - 2] && from[line - 2] === to[column - 1]
      const swapped = isSwapped ? before[column - 2]! + 1 : Number.POSITIVE_INFINITY
      next.push(Math.min(row[column]! + 1, next[column - 1]! + 1, row[column - 1]! + same, swapped))
    }
    if (Math.min(...row, ...next) >= limit) return limit
    before = row
    row = next
  }
  return row[to.length]!
}
