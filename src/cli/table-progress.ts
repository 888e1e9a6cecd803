/** Tables one after the other, told as they come, but no faster than anybody reads. */

const TOLD_EVERY_MS = 2_000

/** @param now in milliseconds */
export function tableProgress(what: string, now: () => number = Date.now): (table: string) => void {
  let toldAt = now()
  let count = 0
  return (table) => {
    count += 1
    if (now() - toldAt < TOLD_EVERY_MS) return
    toldAt = now()
    process.stderr.write(`${what} table ${count}: ${table}\n`)
  }
}
