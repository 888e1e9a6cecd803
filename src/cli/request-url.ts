/** Addresses cut to the width of a column. */

/** For a column of a terminal; `--json` has the whole. */
export function cutEnd(url: string, columns: number): string {
  return url.length <= columns ? url : `${url.slice(0, columns - 1)}…`
}

/** The same of a file's address, of which both ends tell most: the server and the name. */
export function cutMiddle(url: string, columns: number): string {
  if (url.length <= columns) return url
  const head = Math.floor((columns - 1) / 2)
  return `${url.slice(0, head)}…${url.slice(url.length - (columns - 1 - head))}`
}
