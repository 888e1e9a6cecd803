/** Which of our media types an Accept header likes best. RFC 9110, section 12.5.1. */

interface Range {
  readonly type: string
  readonly quality: number
}

/**
 * @param ours the one that is preferred where it makes no difference first
 * @returns undefined where none of them is welcome
 */
export function bestType(accept: string | undefined, ours: readonly string[]): string | undefined {
  if (accept === undefined || accept.trim() === '') return ours[0]
  const ranges = accept.split(',').map(rangeOf)
  const liked = ours.map((type) => ({ type, quality: qualityOf(type, ranges) })).filter(({ quality }) => quality > 0)
  return liked.sort((a, b) => b.quality - a.quality)[0]?.type
}

function rangeOf(text: string): Range {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase())
  const quality = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2)
  return { type, quality: quality === undefined ? 1 : Number(quality) || 0 }
}

/** The most particular range that fits decides. */
function qualityOf(type: string, ranges: readonly Range[]): number {
  const kind = `${type.split('/', 1)[0]}/*`
  for (const wanted of [type, kind, '*/*']) {
    const range = ranges.find((each) => each.type === wanted)
    if (range !== undefined) return range.quality
  }
  return 0
}
