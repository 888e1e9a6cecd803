/** How far a server says an export is: the one thing in its words that can name nobody. */

/** `42.9 %`, `21% complete`; no number's end, and no more than the whole. */
const PERCENT = /(?<![\d.,-])(\d{1,3})(?:[.,](\d{1,9}))? ?%/
/** `3 of 10 files`, `3/10`: told as a share, since any number may be somebody's. A date has more of its kind about it. */
const SHARE = /(?<![\d.,/-])(\d{1,12}) ?(?:of|out of|\/) ?(\d{1,12})(?![\d/-]|[.,]\d)/

/**
 * Bulk Data Access, "Response - In-Progress Status": X-Progress is a text for people, which may hold anything.
 * @returns percent, from 0 to 100, to a tenth; undefined where it tells none
 */
export function percentDone(words: string | undefined): number | undefined {
  if (words === undefined) return undefined
  const [, whole, tenths = '0'] = PERCENT.exec(words) ?? []
  if (whole !== undefined) return within(Number(`${whole}.${tenths}`))
  const [, done, all] = SHARE.exec(words) ?? []
  return done === undefined ? undefined : within((Number(done) / Number(all)) * 100)
}

function within(percent: number): number | undefined {
  return percent >= 0 && percent <= 100 ? Math.round(percent * 10) / 10 : undefined
}
