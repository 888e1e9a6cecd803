/** A small seeded generator of pseudo-random numbers: the same seed gives the same sequence on every machine. */

export interface Random {
  /** A number from 0 (included) to 1 (excluded). */
  next(): number
  /** A whole number from `low` to `high`, both included. */
  whole(low: number, high: number): number
  /** True with the given probability. */
  chance(probability: number): boolean
  pick<T>(from: readonly T[]): T
  /** One of `from`, each as likely as its weight says. */
  weighted<T>(from: readonly (readonly [weight: number, value: T])[]): T
  /** Near `mean`, nearly always within three deviations: the sum of six uniform numbers, which needs no logarithm. */
  bell(mean: number, deviation: number): number
  /** 32 hexadecimal digits in the shape of a version 4 UUID. */
  uuid(): string
}

/** @param seed any text; sequences of different texts have nothing to do with each other. */
export function randomFrom(seed: string): Random {
  const bits = sequence(seed)
  const next = () => bits() / 4_294_967_296
  const whole = (low: number, high: number) => low + Math.floor(next() * (high - low + 1))
  return {
    next,
    whole,
    chance: (probability) => next() < probability,
    pick(from) {
      if (from.length === 0) throw new RangeError('nothing to pick from')
      return from[whole(0, from.length - 1)]!
    },
    weighted(from) {
      const total = from.reduce((sum, [weight]) => sum + weight, 0)
      let left = next() * total
      for (const [weight, value] of from) {
        left -= weight
        if (left < 0) return value
      }
      return from[from.length - 1]![1]
    },
    bell(mean, deviation) {
      let sum = 0
      for (let i = 0; i < 6; i++) sum += next()
      // Six uniform numbers have mean 3 and variance 6/12.
      return mean + (sum - 3) * deviation * Math.SQRT2
    },
    uuid() {
      let digits = ''
      for (let i = 0; i < 4; i++) digits += bits().toString(16).padStart(8, '0')
      const variant = (8 + (Number.parseInt(digits[16]!, 16) & 3)).toString(16)
      return [
        digits.slice(0, 8),
        digits.slice(8, 12),
        `4${digits.slice(13, 16)}`,
        variant + digits.slice(17, 20),
        digits.slice(20),
      ].join('-')
    },
  }
}

/** 32-bit numbers from a counter scrambled twice (the "splitmix" construction), two lanes keyed by the seed text. */
function sequence(seed: string): () => number {
  let left = 0x9e3779b9
  let right = 0x85ebca6b
  for (let i = 0; i < seed.length; i++) {
    left = Math.imul(left ^ seed.charCodeAt(i), 0x01000193)
    right = Math.imul(right + seed.charCodeAt(i), 0x5bd1e995) ^ (right >>> 13)
  }
  let a = scramble(left)
  let b = scramble(right ^ left)
  return () => {
    a = (a + 0x9e3779b9) | 0
    b = (Math.imul(b, 0x915f77f5) + 1) | 0
    return scramble(a ^ scramble(b)) >>> 0
  }
}

function scramble(value: number): number {
  let mixed = value | 0
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x7feb352d)
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x846ca68b)
  return mixed ^ (mixed >>> 16)
}
