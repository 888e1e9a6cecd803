/** Observations as Synthea makes them, as NDJSON, fast: what a server has at first, what changed since, and what it has then. */
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** A server's transactionTime for each of its states: what changed lies between the first two. */
export const STATES = {
  first: '2025-01-01T00:00:00.000Z',
  increment: '2025-01-02T00:00:00.000Z',
  present: '2025-01-03T00:00:00.000Z',
}
/** About the size of one line. */
export const LINE_BYTES = 870
const OF_A_PATIENT = 100
const DELETIONS_OF_A_BUNDLE = 1000
const FLUSH_BYTES = 1 << 20

/** Writes `count` observations of the first state into `files` files of `folder`, and gives their bytes. */
export function writeFirst(folder, count, files) {
  return write(folder, files, (add) => {
    for (let index = 0; index < count; index++) add(line(index, 1), (index * files) / count)
  })
}

/** The state after the change: what `change` left alone, its updates and its newcomers. */
export function writePresent(folder, count, files, change) {
  return write(folder, files, (add) => {
    for (let index = 0; index < count; index++) {
      const fate = change.fate(index)
      if (fate !== 'deleted') add(line(index, fate === 'updated' ? 2 : 1), (index * files) / count)
    }
    for (let index = count; index < count + change.added; index++)
      add(line(index, 1, change.patientOf(index)), files - 1)
  })
}

/** What an export since the first state brings, with its `deleted` file; counted. */
export function writeIncrement(folder, count, files, change) {
  const counts = { updated: 0, deleted: 0, inserted: change.added }
  const bundles = []
  const bytes = write(folder, files, (add) => {
    for (let index = 0; index < count; index++) {
      const fate = change.fate(index)
      if (fate === undefined) continue
      counts[fate] += 1
      if (fate === 'updated') add(line(index, 2), (index * files) / count)
      else bundles.push({ request: { method: 'DELETE', url: `Observation/${idOf(index)}` } })
    }
    for (let index = count; index < count + change.added; index++)
      add(line(index, 1, change.patientOf(index)), files - 1)
  })
  const deleted = openSync(join(folder, 'deleted.0.ndjson'), 'w', 0o600)
  for (let at = 0; at < bundles.length; at += DELETIONS_OF_A_BUNDLE) {
    const entry = bundles.slice(at, at + DELETIONS_OF_A_BUNDLE)
    writeSync(deleted, `${JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry })}\n`)
  }
  closeSync(deleted)
  return { ...counts, bytes }
}

/**
 * One percent of `count`. `random`: half updates of held resources of anybody, a quarter deletions, a quarter new.
 * `recent`: new ones of one patient in a hundred, with a few of theirs corrected or deleted, as a day in a hospital has it.
 */
export function changeOf(kind, count) {
  const patients = Math.ceil(count / OF_A_PATIENT)
  if (kind === 'recent') {
    const isTouched = (patient) => mix(patient, 11) % 100 === 0
    const touched = Array.from({ length: patients }, (_, patient) => patient).filter(isTouched)
    return {
      added: Math.round(count * 0.0085),
      patientOf: (index) => touched[mix(index, 12) % touched.length] ?? 0,
      fate(index) {
        if (!isTouched(Math.floor(index / OF_A_PATIENT))) return undefined
        const lot = mix(index, 13) % 100
        return lot < 10 ? 'updated' : lot < 15 ? 'deleted' : undefined
      },
    }
  }
  return {
    added: Math.round(count * 0.0025),
    patientOf: (index) => mix(index, 12) % patients,
    fate(index) {
      const lot = mix(index, 13) % 10_000
      return lot < 50 ? 'updated' : lot < 75 ? 'deleted' : undefined
    },
  }
}

function write(folder, files, make) {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const outs = Array.from({ length: files }, (_, file) => ({
    file: openSync(join(folder, `Observation.${file}.ndjson`), 'w', 0o600),
    text: '',
  }))
  let bytes = 0
  const flush = (out) => {
    bytes += writeSync(out.file, out.text)
    out.text = ''
  }
  make((text, place) => {
    const out = outs[Math.min(files - 1, Math.floor(place))]
    out.text += text
    if (out.text.length > FLUSH_BYTES) flush(out)
  })
  for (const out of outs) {
    flush(out)
    closeSync(out.file)
  }
  return bytes
}

const CODES = Array.from({ length: 200 }, (_, place) => {
  const [category, unit] = [
    ['vital-signs', 'mm[Hg]'],
    ['laboratory', 'mg/dL'],
    ['laboratory', '10*3/uL'],
  ][place % 3]
  const display = `Measure ${place} [${unit}] in Blood, Serum or Plasma`
  return {
    head:
      `"status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category",` +
      `"code":"${category}","display":"${category}"}]}],"code":{"coding":[{"system":"http://loinc.org",` +
      `"code":"${1000 + place}-${place % 10}","display":"${display}"}],"text":"${display}"},"subject":{"reference":"Patient/`,
    unit: `,"unit":"${unit}","system":"http://unitsofmeasure.org","code":"${unit}"}}\n`,
  }
})

function line(index, version, patient = Math.floor(index / OF_A_PATIENT)) {
  const { head, unit } = CODES[mix(index, 1) % CODES.length]
  const day = `20${10 + (patient % 14)}-${two(1 + (mix(index, 2) % 12))}-${two(1 + (mix(index, 3) % 28))}T${two(index % 24)}:${two(index % 60)}:11`
  const changed = version === 1 ? `${day}.194Z` : '2025-01-01T12:00:00.000Z'
  return (
    `{"resourceType":"Observation","id":"${idOf(index)}","meta":{"versionId":"${version}","lastUpdated":"${changed}",` +
    `"profile":["http://hl7.org/fhir/us/core/StructureDefinition/us-core-observation-lab"]},${head}${uuid(patient, 21)}"},` +
    `"encounter":{"reference":"Encounter/${uuid(Math.floor(index / 10), 31)}"},"effectiveDateTime":"${day}-04:00",` +
    `"issued":"${day}.194-04:00","valueQuantity":{"value":${((mix(index, 4) + version) % 20_000) / 100}${unit}`
  )
}

function idOf(index) {
  return uuid(index, 41)
}

function uuid(index, salt) {
  const [a, b] = [hex(mix(index, salt)), hex(mix(index, salt + 1))]
  return `${a}-${b.slice(0, 4)}-4${b.slice(5)}-8${hex(index).slice(0, 3)}-${hex(index).slice(3)}${b}`.slice(0, 36)
}

function hex(value) {
  return value.toString(16).padStart(8, '0')
}

function two(value) {
  return value < 10 ? `0${value}` : String(value)
}

/** 32 bits that look random, the same each time. */
function mix(index, salt) {
  let value = Math.imul(index ^ Math.imul(salt, 0x9e3779b1), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return (value ^ (value >>> 16)) >>> 0
}
