/** One version of a resource as a line of NDJSON; which elements it has follows from its content's number. */
import { randomFrom, type Random } from '../../src/demo/random.ts'
import type { Habits } from './habits.ts'
import { patientOf, type Version } from './served-state.ts'

type Element = Record<string, unknown>

const WORDS = ['Ana', 'Bo "the" O\'Neil', 'Çelik', '李', '\u2028line', 'back\\slash', '🩺', 'x'.repeat(300), '']

/** @param how without it the text is the same each time; with it, keys come in another order, with white space between */
export function resourceText(version: Version, habits: Habits, how?: Random): string {
  return written(resource(version, habits), how)
}

/** As a list of members has it, where only ids were asked for. */
export function idText({ type, id }: Version): string {
  const tag = { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' }
  return JSON.stringify({ resourceType: type, id, meta: { tag: [tag] } })
}

function resource(version: Version, habits: Habits): Element {
  const meta = metaOf(version, habits)
  return {
    resourceType: version.type,
    id: version.id,
    ...(Object.keys(meta).length > 0 ? { meta } : {}),
    ...elements(version),
  }
}

function metaOf({ type, id, version, atMs }: Version, { meta, instantMs }: Habits): Element {
  const lastUpdated = instantText(atMs, instantMs, randomFrom(`instant ${type} ${id} ${version} ${atMs}`))
  switch (meta) {
    case 'both':
      return { versionId: String(version), lastUpdated }
    case 'text-version':
      return { versionId: `W/"${version.toString(36)}-a"`, lastUpdated }
    case 'instant':
      return { lastUpdated }
    case 'number':
      return { versionId: String(version) }
    case 'none':
      return {}
  }
}

/** What a reader takes an instant for when the server's are so fine. */
export function instantRead(atMs: number, { instantMs }: Habits): number {
  return Math.floor(atMs / instantMs) * instantMs
}

/** The same instant in the forms FHIR allows: as texts they sort otherwise. */
function instantText(atMs: number, instantMs: number, random: Random): string {
  const offsetMinutes = random.pick([0, 0, 120, -330, 840])
  const local = new Date(Math.floor(atMs / instantMs) * instantMs + offsetMinutes * 60_000).toISOString()
  const digits = instantMs === 1000 ? random.pick(['', '.0', '.000']) : local.slice(19, 23) + random.pick(['', '000'])
  const two = (value: number) => String(value).padStart(2, '0')
  const [sign, minutes] = [offsetMinutes < 0 ? '-' : '+', Math.abs(offsetMinutes)]
  const zone =
    offsetMinutes === 0 ? random.pick(['Z', '+00:00']) : `${sign}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
  return local.slice(0, 19) + digits + zone
}

function elements(version: Version): Element {
  const random = randomFrom(`content ${version.type} ${version.id} ${version.content}`)
  const subject = { reference: `Patient/${patientOf(version)}` }
  const day = () => `${random.whole(1920, 2026)}-0${random.whole(1, 9)}-1${random.whole(0, 9)}`
  const some = <T>(make: () => T) => Array.from({ length: random.whole(0, 3) }, make)
  const coding = () => ({
    system: 'http://loinc.org',
    code: `${random.whole(1, 9)}-${random.whole(0, 9)}`,
    display: random.pick(WORDS),
  })
  switch (version.type) {
    case 'Patient':
      return {
        name: some(() => ({ family: random.pick(WORDS), given: some(() => random.pick(WORDS)) })),
        birthDate: day(),
        ...(random.chance(0.5) ? { active: random.chance(0.5) } : {}),
      }
    case 'Condition':
      return { subject, code: { coding: some(coding) }, onsetDateTime: `${day()}T10:00:00+02:00` }
    case 'Observation':
      return {
        status: 'final',
        subject,
        code: { coding: [coding()] },
        valueQuantity: { value: random.whole(0, 900) / 8, unit: 'mmol/L' },
        component: some(() => ({ code: { coding: [coding()] }, valueQuantity: { value: random.whole(0, 99) } })),
      }
    case 'Encounter':
      return { status: 'finished', subject, period: { start: `${day()}T08:00:00Z` } }
  }
}

function written(value: unknown, how: Random | undefined): string {
  if (how === undefined || value === null || typeof value !== 'object') return JSON.stringify(value)
  const space = how.pick(['', ' ', '\t'])
  if (Array.isArray(value)) return `[${value.map((each) => written(each, how)).join(`,${space}`)}]`
  const keys = Object.keys(value)
  if (how.chance(0.5)) keys.reverse()
  const pairs = keys.map((key) => `${JSON.stringify(key)}:${space}${written((value as Element)[key], how)}`)
  return `{${space}${pairs.join(`,${space}`)}${space}}`
}
