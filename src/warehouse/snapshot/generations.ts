/** Which runs' rows share files in a published table: so that a small increment writes small files. */

export interface RunRows {
  readonly run: number
  readonly rows: number
}

/** Rows of runs from `first` to `last`, both included. */
export interface Generation {
  readonly first: number
  readonly last: number
  readonly rows: number
}

/**
 * Each generation is smaller than the one before it: a run's rows join the ones before once they are as many. So there are
 * no more than the logarithm of their number, and each row is written again as seldom. A pure function of the rows: those of
 * a past state give that day's files.
 * @param runs in rising order
 * @param rowsMin two generations smaller than this are put together
 */
export function generations(runs: readonly RunRows[], rowsMin: number): Generation[] {
  const found: Generation[] = []
  for (const { run, rows } of runs) {
    let newest: Generation = { first: run, last: run, rows }
    for (let before = found.at(-1); before !== undefined; before = found.at(-1)) {
      const bothSmall = newest.rows < rowsMin && before.rows < rowsMin
      if (newest.rows < before.rows && !bothSmall) break
      newest = { first: before.first, last: newest.last, rows: before.rows + newest.rows }
      found.pop()
    }
    found.push(newest)
  }
  return found
}
