/** A data set's definition from its YAML file, every mistake with its line and column. */
import { readFile, stat } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import type { CohortLibrary } from '../analysis/cohort/library.ts'
import {
  TAKES,
  type DatasetDefinition,
  type DatasetOrigin,
  type DatasetSelect,
  type FeatureDefinition,
  type ParameterValue,
  type Privacy,
  type Split,
  type Take,
} from '../analysis/dataset/definition.ts'
import { SALT_DEFAULT, SHARES_DEFAULT, SPLITS } from '../analysis/dataset/definition.ts'
import { DatasetError, type DatasetMistake } from '../analysis/dataset/mistakes.ts'
import { DATA_UNTIL } from '../analysis/dataset/selects.ts'
import { ConfigDocument } from '../app/config-document.ts'
import { ConfigFields } from '../app/config-fields.ts'
import { readSchema } from '../app/config-file.ts'
import { ConfigFindings } from '../app/config-findings.ts'
import { checkShape } from '../app/config-shape.ts'
import { StokerError } from '../core/errors.ts'
import { nearestName } from '../core/nearest-name.ts'
import { readCohort } from './dataset-cohort.ts'
import { checkKeys, readNamedFile, readSelect, type Reading } from './dataset-select.ts'

/** Less can be tried out. */
const KEY_CHARACTERS_MIN = 32

/** What the command line says instead of the file. */
export interface DatasetOverrides {
  readonly snapshot?: number | undefined
  readonly asOf?: string | undefined
}

/**
 * @param cohorts those of the configuration, asked for where one is named; undefined where there is none
 * @throws DatasetError with all mistakes of the file; StokerError DATASET_UNREADABLE when there is no such file
 */
export async function readDataset(
  path: string,
  overrides: DatasetOverrides = {},
  cohorts: () => Promise<CohortLibrary | undefined> = () => Promise.resolve(undefined),
): Promise<DatasetDefinition> {
  const text = await readText(path)
  const document = new ConfigDocument(text)
  const findings = new ConfigFindings(path, document)
  if (!document.readable) throw new DatasetError(path, findings.mistakes())
  checkShape(document.value, (await readSchema('dataset.schema.json')) as Record<string, unknown>, findings)
  const fields = new ConfigFields(document.value, [], findings)
  const reading: Reading = { path, folder: dirname(resolve(path)), text, document }
  const ofCohorts: DatasetMistake[] = []
  const parameters = readParameters(fields.child('parameters'))
  const cohortReading = {
    ...{ ...reading, cohorts, parameters: Object.keys(parameters) },
    say: (mistake: DatasetMistake) => void ofCohorts.push(mistake),
  }
  const definition: DatasetDefinition = {
    file: basename(path),
    name: fields.text('name') ?? '',
    description: fields.text('description')?.trim(),
    from: overridden(overrides) ?? readOrigin(fields, reading.folder),
    parameters,
    cohort: await readCohort(fields.child('cohort'), cohortReading, isBlock(fields, 'cohort')),
    label: await readOne(fields.child('label'), 'label', reading, isBlock(fields, 'label')),
    features: await Promise.all(
      fields.children('features').map((each, i) => readFeature(each, `features[${i}]`, reading)),
    ),
    split: readSplit(fields.child('split')),
    privacy: await readPrivacy(fields.child('privacy'), reading.folder),
  }
  tellDoubles(fields)
  const mistakes = [...findings.mistakes(), ...ofCohorts]
  if (mistakes.length > 0) throw new DatasetError(path, mistakes)
  return definition
}

/** A block that is missing, or is none, was told of already. */
function isBlock(fields: ConfigFields, key: string): boolean {
  return fields.has(key) && !fields.isMisshapen(key)
}

async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    const problem =
      cause.code === 'ENOENT' ? 'there is no such file' : `it can not be read (${cause.code ?? 'unknown reason'})`
    const hint = 'name a definition; stoker dataset examples my-datasets copies some to begin with'
    throw new StokerError('DATASET_UNREADABLE', `${path}: ${problem}`, { hint, facts: { file: path }, cause })
  })
}

function overridden({ snapshot, asOf }: DatasetOverrides): DatasetOrigin | undefined {
  if (snapshot !== undefined && asOf !== undefined) {
    throw new StokerError('USAGE_ORIGIN', '--snapshot and --as-of name different tables', { hint: 'give one of them' })
  }
  if (snapshot !== undefined) return { kind: 'snapshot', snapshot }
  return asOf === undefined ? undefined : { kind: 'as-of', when: asOf }
}

function readOrigin(fields: ConfigFields, folder: string): DatasetOrigin {
  const from = fields.child('from')
  const asOf = from.number('asOf') ?? from.text('asOf')
  const named = from.text('folder')
  if (asOf !== undefined && named !== undefined) from.mistake('folder', 'is given beside asOf', 'Keep one of the two.')
  if (asOf !== undefined) return { kind: 'as-of', when: String(asOf) }
  if (named !== undefined) return { kind: 'folder', folder: resolve(folder, named) }
  if (
    fields.has('from') &&
    fields.text('from') === undefined &&
    fields.number('from') === undefined &&
    !fields.isMisshapen('from')
  ) {
    fields.mistake('from', 'says not what from', 'Write newest, a number, {asOf: 12} or {folder: ../tables}.')
  }
  return { kind: 'snapshot', snapshot: fields.number('from') }
}

function readParameters(fields: ConfigFields): Record<string, ParameterValue> {
  const given: Record<string, ParameterValue> = {}
  for (const name of fields.keys()) {
    if (!/^[a-z][a-z0-9_]*$/i.test(name)) {
      fields.mistake(name, 'is no name of a parameter', 'Use letters, digits and _, beginning with a letter.')
    } else if (name === DATA_UNTIL) {
      fields.mistake(name, 'is what the tables say themselves', 'Choose another name.')
    } else {
      const value = fields.text(name) ?? fields.number(name) ?? fields.flag(name) ?? readList(fields, name)
      if (value !== undefined) given[name] = value
    }
  }
  return given
}

function readList(fields: ConfigFields, name: string): readonly string[] | readonly number[] | undefined {
  if (fields.isMisshapen(name)) return undefined
  const texts = fields.texts(name).map(({ text }) => text)
  const numbers = fields.numbers(name)
  const all = fields.children(name).length
  if (texts.length === all) return texts
  if (numbers.length === all) return numbers
  fields.mistake(name, 'its values are not of one kind', 'Give texts, all in quotes, or numbers.')
  return undefined
}

async function readOne(fields: ConfigFields, path: string, reading: Reading, isWanted = true): Promise<DatasetSelect> {
  checkKeys(fields, ['sql', 'file'], 'Give sql (a SELECT) or file (the path of one).', isWanted)
  return readSelect(fields, path, reading, await readNamedFile(fields, reading))
}

async function readFeature(fields: ConfigFields, path: string, reading: Reading): Promise<FeatureDefinition> {
  const window = fields.child('window')
  const fromDay = window.number('fromDay')
  const toDay = window.number('toDay') ?? 0
  if (fromDay !== undefined && fromDay > toDay)
    window.mistake('fromDay', 'lies after toDay', 'The first day comes first: {fromDay: -365, toDay: 0}.')
  return {
    ...(await readOne(fields, path, reading)),
    name: fields.text('name') ?? '',
    window: fields.has('window') ? { fromDay, toDay } : undefined,
    take: readTake(fields),
  }
}

function readTake(fields: ConfigFields): Take[] {
  const one = fields.text('take')
  if (one !== undefined && !TAKES.includes(one as Take)) {
    const nearest = nearestName(one, TAKES)
    fields.mistake(
      'take',
      `is none of ${TAKES.join(', ')}`,
      nearest === undefined ? 'Choose one of them.' : `Did you mean '${nearest}'?`,
    )
    return []
  }
  if (one !== undefined) return [one as Take]
  const several = fields.texts('take')
  const second = several.find(({ text }, i) => several.findIndex((each) => each.text === text) < i)
  if (second !== undefined) fields.mistake('take', `has ${second.text} twice`, 'Name each once.')
  return several.map(({ text }) => text as Take)
}

function readSplit(fields: ConfigFields): Split {
  const isGiven = SPLITS.some((name) => fields.has(name))
  const share = (name: (typeof SPLITS)[number]) => (isGiven ? (fields.number(name) ?? 0) : SHARES_DEFAULT[name])
  const shares = { train: share('train'), validation: share('validation'), test: share('test') }
  const sum = Number((shares.train + shares.validation + shares.test).toFixed(6))
  const isSound = SPLITS.every((name) => !fields.isMisshapen(name))
  if (isGiven && isSound && sum !== 100) {
    fields.mistake(
      SPLITS.find((name) => fields.has(name))!,
      `the shares together are ${sum}, not 100`,
      'Give train, validation and test in percent; one that is left out is 0.',
    )
  }
  return { shares, salt: fields.text('salt') ?? SALT_DEFAULT }
}

async function readPrivacy(fields: ConfigFields, folder: string): Promise<Privacy> {
  const pseudonyms = fields.flag('pseudonyms') ?? false
  const shiftDays = fields.number('shiftDays') ?? 0
  const wanted = pseudonyms || shiftDays > 0
  if (wanted && !fields.has('keyFile')) {
    fields.missing('keyFile', 'Give a file with a secret: (umask 077; openssl rand -hex 32 > study.key).')
  }
  const key = wanted ? await readKey(fields, folder) : undefined
  return { key, pseudonyms, shiftDays }
}

async function readKey(fields: ConfigFields, folder: string): Promise<Buffer | undefined> {
  const named = fields.text('keyFile')
  if (named === undefined) return undefined
  const file = resolve(folder, named)
  try {
    const key = (await readFile(file, 'utf8')).trim()
    const { mode } = await stat(file)
    if (key.length < KEY_CHARACTERS_MIN) {
      const wayOut = `Give ${KEY_CHARACTERS_MIN} characters or more: (umask 077; openssl rand -hex 32 > ${basename(named)}).`
      fields.mistake('keyFile', 'the key in it is too short', wayOut)
    } else if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      const octal = (mode & 0o777).toString(8)
      fields.mistake('keyFile', `others on this machine may read it (mode ${octal})`, 'Take that away: chmod 600.')
    } else return Buffer.from(key)
  } catch (error) {
    fields.mistake(
      'keyFile',
      `there is no file ${named} to read (${(error as NodeJS.ErrnoException).code})`,
      'Make it: (umask 077; openssl rand -hex 32 > study.key); the path is relative to this file.',
    )
  }
  return undefined
}

function tellDoubles(fields: ConfigFields): void {
  const names = new Set<string>()
  for (const feature of fields.children('features')) {
    const name = feature.text('name')
    if (name === undefined) continue
    if (names.has(name)) feature.mistake('name', `there are two features ${name}`, 'Give each a name of its own.')
    names.add(name)
  }
}
