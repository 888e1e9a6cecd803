/** DuckDB's words for the primitives of the middle form. Arguments come rendered; NULL in, NULL out unless said. */
import type { Primitive } from '../plan/expr.ts'
import { instantSql } from './convert.ts'
import { once } from './once.ts'

type Words = (args: readonly string[]) => string

export const PRIMITIVES: Readonly<Record<Primitive, Words>> = {
  // SQL's three values are FHIRPath's.
  and: ([a, b]) => `(${a} AND ${b})`,
  or: ([a, b]) => `(${a} OR ${b})`,
  not: ([a]) => `(NOT ${a})`,
  xor: ([a, b]) => `(${a} <> ${b})`,
  implies: ([a, b]) => `(NOT ${a} OR ${b})`,

  isMissing: ([a]) => `(${a} IS NULL)`,
  isPresent: ([a]) => `(${a} IS NOT NULL)`,
  equal: ([a, b]) => `(${a} = ${b})`,
  less: ([a, b]) => `(${a} < ${b})`,
  lessOrEqual: ([a, b]) => `(${a} <= ${b})`,

  count: ([l]) => `coalesce(len(${l}), 0)`,
  isEmpty: ([l]) => `(coalesce(len(${l}), 0) = 0)`,
  coalesce: (args) => `coalesce(${args.join(', ')})`,
  at: ([l, i]) => (/^\d+$/.test(i!) ? `${l}[${Number(i) + 1}]` : `CASE WHEN ${i} >= 0 THEN ${l}[${i} + 1] END`),
  last: ([l]) => `${l}[-1]`,
  slice: ([l, from, count]) =>
    count === undefined
      ? `${l}[greatest(${from}, 0) + 1 :]`
      : `CASE WHEN ${count} > 0 THEN ${l}[greatest(${from}, 0) + 1 : greatest(${from}, 0) + ${count}] END`,
  concat: (lists) => `list_concat(${lists.join(', ')})`,
  // list_distinct() loses the order.
  distinct: ([l]) => once(l!, (list) => `list_filter(${list}, lambda __e, __i: list_position(${list}, __e) = __i)`),
  distinctBy: ([l, keys]) =>
    once(keys!, (list) => `list_filter(${l}, lambda __e, __i: list_position(${list}, ${list}[__i]) = __i)`),
  orEmpty: ([l]) => `coalesce(${l}, [])`,
  sameList: ([a, b]) => `(${a} = ${b})`,
  includes: ([l, a]) => `list_contains(${l}, ${a})`,

  join: ([l, separator]) =>
    once(l!, (list) => `CASE WHEN len(${list}) > 0 THEN array_to_string(${list}, ${separator}) END`),
  append: ([a, b]) => `(${a} || ${b})`,
  startsWith: ([a, b]) => `starts_with(${a}, ${b})`,
  endsWith: ([a, b]) => `ends_with(${a}, ${b})`,
  containsText: ([a, b]) => `contains(${a}, ${b})`,
  matches: ([a, pattern]) => tried(`regexp_matches(${a}, ${pattern}, 's')`, pattern!),
  matchesFull: ([a, pattern]) => tried(`regexp_full_match(${a}, ${pattern}, 's')`, pattern!),
  replace: ([a, from, to]) => `replace(${a}, ${from}, ${to})`,
  replaceMatches: ([a, pattern, to]) => `regexp_replace(${a}, ${pattern}, ${to}, 'g')`,
  substring: ([a, from, count]) => {
    const rest = count === undefined ? `${a}[${from} + 1 :]` : `${a}[${from} + 1 : ${from} + ${count}]`
    return `CASE WHEN ${from} >= 0 AND ${from} < length(${a}) THEN ${rest} END`
  },
  indexOf: ([a, b]) => `(strpos(${a}, ${b}) - 1)`,
  lastIndexOf: ([a, b]) =>
    `CASE WHEN contains(${a}, ${b}) THEN length(${a}) - length(${b}) - strpos(reverse(${a}), reverse(${b})) + 1 ELSE -1 END`,
  length: ([a]) => `length(${a})`,
  upper: ([a]) => `upper(${a})`,
  lower: ([a]) => `lower(${a})`,
  trim: ([a]) => `trim(${a})`,
  split: ([a, separator]) => `string_split(${a}, ${separator})`,

  number: ([a]) => `TRY_CAST(${a} AS DOUBLE)`,
  plus: ([a, b]) => exact(a!, '+', b!),
  minus: ([a, b]) => exact(a!, '-', b!),
  times: ([a, b]) => exact(a!, '*', b!),
  over: ([a, b]) => digits(`TRY(CAST(${decimal(a!)} / nullif(${decimal(b!)}, 0) AS DECIMAL(38, 8)))`),
  wholeOver: ([a, b]) => `TRY(CAST(trunc(${decimal(a!)} / nullif(${decimal(b!)}, 0)) AS INTEGER))`,
  remainder: ([a, b]) => digits(`(${decimal(a!)} % nullif(${decimal(b!)}, 0))`),
  // In 64 bits: the sum of two integers always fits, the column's own cast judges the rest.
  plusWhole: ([a, b]) => `TRY(${a}::BIGINT + ${b}::BIGINT)`,
  minusWhole: ([a, b]) => `TRY(${a}::BIGINT - ${b}::BIGINT)`,
  timesWhole: ([a, b]) => `TRY(${a}::BIGINT * ${b}::BIGINT)`,
  abs: ([a]) => digits(`abs(${decimal(a!)})`),
  ceiling: ([a]) => `TRY_CAST(ceil(${decimal(a!)}) AS INTEGER)`,
  floor: ([a]) => `TRY_CAST(floor(${decimal(a!)}) AS INTEGER)`,
  truncate: ([a]) => `TRY_CAST(trunc(${decimal(a!)}) AS INTEGER)`,
  round: ([a, places]) => digits(`CAST(round(${decimal(a!)}, ${places}) AS DECIMAL(38, 8))`),
  toInteger: ([a]) =>
    `CASE WHEN regexp_full_match(CAST(${a} AS VARCHAR), '[+-]?[0-9]+') THEN TRY_CAST(${a} AS INTEGER) END`,
  toDecimal: ([a]) =>
    `CASE WHEN regexp_full_match(CAST(${a} AS VARCHAR), '[+-]?[0-9]+(\\.[0-9]+)?') THEN CAST(${a} AS VARCHAR) END`,

  // As TIMESTAMP in UTC: adding months to a TIMESTAMPTZ would ask the session's time zone.
  firstInstant: ([a]) => firstInstant(a!),
  endInstant: ([a]) =>
    `(${firstInstant(a!)} + CASE length(${a}) WHEN 4 THEN INTERVAL 1 YEAR WHEN 7 THEN INTERVAL 1 MONTH ` +
    `WHEN 10 THEN INTERVAL 1 DAY ELSE INTERVAL 0 DAY END)`,
  precision: ([a]) => `least(length(${a}), 11)`,
  dateKey: ([a]) => `(least(length(${a}), 11) || ' ' || ${firstInstant(a!)})`,

  resourceKey: ([type, id]) => `'${type!.slice(1, -1)}/' || ${id}`,
  referenceKey: ([a]) => once(a!, referenceKeyOfAny),
  referenceKeyOf: ([a, type]) => once(a!, (text) => referenceKeyOf(text, type!.slice(1, -1))),

  lowDecimal: ([a]) => digits(`${decimal12(a!)} - ${halfStep(a!)}`),
  highDecimal: ([a]) => digits(`${decimal12(a!)} + ${halfStep(a!)}`),
  floorTo: ([a, places]) => toPlaces('floor', a!, Number(places)),
  ceilTo: ([a, places]) => toPlaces('ceil', a!, Number(places)),
  lowDate: ([a]) => lowDate(a!),
  highDate: ([a]) => highDate(a!),
  lowDateTime: ([a]) =>
    `CASE WHEN length(${a}) > 10 THEN ${filled(a!, '00', '0', '+14:00')} ELSE ` +
    `${lowDate(a!)} || 'T00:00:00.000+14:00' END`,
  highDateTime: ([a]) =>
    `CASE WHEN length(${a}) > 10 THEN ${filled(a!, '59', '9', '-12:00')} ELSE ` +
    `${highDate(a!)} || 'T23:59:59.999-12:00' END`,
  lowTime: ([a]) => filled(a!, '00', '0', ''),
  highTime: ([a]) => filled(a!, '59', '9', ''),
}

/** A pattern that comes of the data may be none. */
function tried(match: string, pattern: string): string {
  return pattern.startsWith("'") ? match : `TRY(${match})`
}

/** FHIRPath's decimals have 8 places; what overflows 38 digits is NULL. */
function decimal(a: string): string {
  return `TRY_CAST(${a} AS DECIMAL(38, 8))`
}

function decimal12(a: string): string {
  return `TRY_CAST(${a} AS DECIMAL(38, 12))`
}

function exact(a: string, operator: string, b: string): string {
  return digits(`TRY(${decimal(a)} ${operator} ${decimal(b)})`)
}

/** A decimal as text without the zeros that only the cast has added. */
function digits(sql: string): string {
  return `regexp_replace(CAST(${sql} AS VARCHAR), '\\.?0+$', '')`
}

/** Half of the last place: 0.05 of 1.0. Without an exponent; beyond 11 places NULL. */
function halfStep(a: string): string {
  const places = `length(split_part(${a}, '.', 2))`
  const half = `CAST('0.' || repeat('0', ${places}) || '5' AS DECIMAL(38, 12))`
  return `CASE WHEN ${places} < 12 AND NOT contains(lower(${a}), 'e') THEN ${half} END`
}

/** The cast rounds; what it has moved the wrong way goes a step back. Beyond 12 places there are zeros only. */
function toPlaces(direction: 'floor' | 'ceil', a: string, places: number): string {
  if (!(places >= 0 && places <= 31)) return 'CAST(NULL AS VARCHAR)'
  const scale = Math.min(places, 12)
  const type = `DECIMAL(38, ${scale})`
  const step = `CAST('${scale === 0 ? '1' : `0.${'0'.repeat(scale - 1)}1`}' AS ${type})`
  const [wrongWay, back] = direction === 'floor' ? ['>', '-'] : ['<', '+']
  const moved = (exact: string, cut: string) =>
    `${cut} ${back} CASE WHEN ${cut} ${wrongWay} ${exact} THEN ${step} ELSE 0 END`
  const cut = once(decimal12(a), (exact) => `CAST(${moved(exact, `CAST(${exact} AS ${type})`)} AS ${type})`)
  return `(CAST(${cut} AS VARCHAR) || '${'0'.repeat(places - scale)}')`
}

function firstInstant(a: string): string {
  return `(${instantSql(a)} AT TIME ZONE 'UTC')`
}

function lowDate(a: string): string {
  return `CASE length(${a}) WHEN 4 THEN ${a} || '-01-01' WHEN 7 THEN ${a} || '-01' ELSE ${a}[:10] END`
}

function highDate(a: string): string {
  const lastDay = `CAST(last_day(TRY_CAST(${a} || '-01' AS DATE)) AS VARCHAR)`
  return `CASE length(${a}) WHEN 4 THEN ${a} || '-12-31' WHEN 7 THEN ${lastDay} ELSE ${a}[:10] END`
}

/** A time, perhaps after a date and before an offset, filled up to milliseconds. */
function filled(a: string, seconds: string, fraction: string, offset: string): string {
  const parts = String.raw`'^((?:[0-9-]{10}T)?[0-9]{2})(:[0-9]{2})?(:[0-9]{2})?(?:\.([0-9]+))?(Z|[+-][0-9]{2}:[0-9]{2})?$'`
  const part = (place: number) => `regexp_extract(${a}, ${parts}, ${place})`
  const filledPart = (place: number) => `coalesce(nullif(${part(place)}, ''), ':${seconds}')`
  const whole = `${part(1)} || ${filledPart(2)} || ${filledPart(3)}`
  const split = `rpad(${part(4)}, greatest(length(${part(4)}), 3)::INTEGER, '${fraction}')`
  const zone = `coalesce(nullif(${part(5)}, ''), '${offset}')`
  return `CASE WHEN regexp_matches(${a}, ${parts}) THEN ${whole} || '.' || ${split} || ${zone} END`
}

/** The usual form, relative and without a version, needs no regular expression. */
function referenceKeyOf(a: string, type: string): string {
  const isUsual = `starts_with(${a}, '${type}/') AND strlen(${a}) > ${type.length + 1}`
  const otherwise = `WHEN contains(${a}, '${type}/') THEN ${referenceKey(a, type)}`
  const isPlain = ['/_history/', '#', '?', '|'].map((part) => `NOT contains(${a}, '${part}')`).join(' AND ')
  return `CASE WHEN ${isUsual} AND ${isPlain} THEN ${a} ${otherwise} END`
}

function referenceKeyOfAny(a: string): string {
  const type = '[A-Z][A-Za-z]*'
  return `CASE WHEN regexp_full_match(${a}, '${type}/[^/?#|]+') THEN ${a} ELSE ${referenceKey(a, type)} END`
}

/**
 * `Type/id` of a literal reference: relative, absolute (whatever its server), with or without a version. Conditional
 * (`Type?…`), contained (`#…`) and `urn:` references name no resource by type and id: NULL.
 */
function referenceKey(a: string, type: string): string {
  return `nullif(regexp_extract(${a}, '^(?:https?://[^?#]*/)?(${type}/[^/?#|]+)(?:/_history/[^/?#]*)?$', 1), '')`
}
