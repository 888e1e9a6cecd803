/** One export of the model's server: what it reads, and the files it makes of that. */
import { randomFrom, type Random } from '../../src/demo/random.ts'
import type { Habits } from './habits.ts'
import type { Fault, Sync } from './history.ts'
import { idText, instantRead, resourceText } from './resource-text.ts'
import { patientOf, type ServedState, type ServedType, type Version } from './served-state.ts'

export interface Asked {
  readonly types: readonly ServedType[]
  readonly sinceMs: number | undefined
  readonly patients: readonly string[] | undefined
  /** A list of the Group's members. */
  readonly idsOnly: boolean
}

export interface ServedFile {
  readonly kind: 'output' | 'deleted' | 'error'
  readonly type: string
  readonly text: string
  readonly count: number | undefined
  readonly fault: Fault['kind'] | undefined
}

export class ExportJob {
  readonly asked: Asked
  readonly sync: Sync
  readonly habits: Habits
  readonly beginMs: number
  private readonly state: ServedState
  private readonly random: Random
  private readonly lines = new Map<ServedType, string[]>()
  private deletions: string[] = []

  constructor(asked: Asked, sync: Sync, place: number, state: ServedState, habits: Habits, beginMs: number) {
    this.asked = asked
    this.sync = sync
    this.habits = habits
    this.beginMs = beginMs
    this.state = state
    this.random = randomFrom(`files ${sync.seed} ${place}`)
  }

  /** Types and deletions are read one after the other, in any order; `between` is called before each, with how many changes come there. */
  read(nowMs: () => number, between: (changes: number) => void): void {
    for (const what of this.shuffled([...this.asked.types, 'deleted' as const])) {
      between(this.random.whole(0, 3))
      if (what === 'deleted') this.deletions = this.readDeletions(nowMs())
      else this.lines.set(what, this.readType(what, nowMs()))
    }
  }

  files(): ServedFile[] {
    const { fault } = this.sync
    const outputs = this.asked.types.flatMap((type) => this.outputs(type, this.lines.get(type) ?? []))
    const message = { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'processing' }] }
    const errors = fault?.kind === 'message' ? [`${JSON.stringify(message)}\n`] : []
    return [
      ...this.shuffled(outputs),
      ...this.bundles().map((text) => ({
        kind: 'deleted' as const,
        type: 'Bundle',
        text,
        count: undefined,
        fault: undefined,
      })),
      ...errors.map((text) => ({ kind: 'error' as const, type: 'OperationOutcome', text, count: 1, fault: undefined })),
    ]
  }

  private readType(type: ServedType, atMs: number): string[] {
    const { habits, random, asked, state } = this
    const members = habits.group === undefined ? undefined : state.membersAsOf(atMs)
    const own = state.alive(atMs).filter((each) => {
      if (each.type !== type) return false
      const patient = patientOf(each)
      return (members?.has(patient) ?? true) && (asked.patients?.includes(patient) ?? true)
    })
    if (asked.idsOnly) return this.shuffled(own.map(idText))
    const sinceMs = asked.sinceMs ?? -Infinity
    const isNew = (each: Version) => {
      const joined = habits.group?.newcomers === 'included' ? members?.get(patientOf(each)) : undefined
      return each.atMs >= sinceMs || (joined !== undefined && joined >= sinceMs)
    }
    const text = (each: Version) => resourceText(each, habits, habits.isPlainText ? undefined : random)
    const fresh = own.filter(isNew).flatMap((each) => {
      if (!random.chance(habits.twice)) return [text(each)]
      const older = state.older(each).filter((other) => isPlainlyOlder(other, each, habits))
      return [text(each), text(random.chance(0.6) && older.length > 0 ? random.pick(older) : each)]
    })
    if (!habits.isStale || asked.sinceMs === undefined) return this.shuffled(fresh)
    const stale = own
      .filter((each) => !isNew(each))
      .flatMap((each) =>
        state
          .older(each)
          .filter((other) => isPlainlyOlder(other, each, habits))
          .slice(-1),
      )
      .filter(() => random.chance(0.4))
    return this.shuffled([...fresh, ...stale.map(text)])
  }

  private readDeletions(atMs: number): string[] {
    const { habits, asked, state } = this
    if (asked.sinceMs === undefined || habits.deletions === 'lost') return []
    const gone = state.deletedSince(asked.sinceMs, atMs, habits.tellsReturnedAsDeleted)
    return this.shuffled([
      ...gone.map(({ type, id }) => `${type}/${id}`),
      ...(this.random.chance(0.1) ? ['Patient/never'] : []),
    ])
  }

  private outputs(type: ServedType, lines: readonly string[]): ServedFile[] {
    const { random, habits, sync } = this
    const files: ServedFile[] = []
    const fault = sync.fault?.type === type ? sync.fault.kind : undefined
    for (let rest = [...lines]; rest.length > 0;) {
      const part = rest.splice(0, random.whole(1, habits.linesPerFileMax))
      const claimed = part.length + (fault === 'short' ? 1 : 0)
      const count = habits.hasCounts || fault === 'short' ? claimed : undefined
      const text = this.file(fault === 'damaged' ? [part[0]!.slice(0, -9), ...part.slice(1)] : part)
      files.push({ kind: 'output', type, text, count, fault })
    }
    return files.length === 0 && random.chance(0.2)
      ? [{ kind: 'output', type, text: '', count: 0, fault: undefined }]
      : files
  }

  private bundles(): string[] {
    const { random, habits } = this
    const all: string[] = []
    for (let rest = [...this.deletions]; rest.length > 0;) {
      const part = rest.splice(0, random.whole(1, habits.bundleEntriesMax))
      const entry = part.map((key) => ({
        request: { method: random.pick(['DELETE', 'DELETE', 'delete']), url: this.form(key) },
      }))
      all.push(JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry }))
    }
    if (all.length === 0) return []
    const half = random.whole(0, all.length)
    return [all.slice(0, half), all.slice(half)].filter((part) => part.length > 0).map((part) => this.file(part))
  }

  private form(key: string): string {
    const base = this.random.pick(['', '', '/', 'http://other.example/fhir/', 'https://server.example/r4/'])
    return base + key + this.random.pick(['', '', '/_history/7'])
  }

  /** With blank lines, carriage returns, and sometimes no end to the last line. */
  private file(lines: readonly string[]): string {
    const { random } = this
    const end = random.pick(['\n', '\n', '\r\n'])
    const all = lines.flatMap((line) => (random.chance(0.05) ? [line, random.pick(['', ' '])] : [line]))
    return all.join(end) + (random.chance(0.8) ? end : '')
  }

  private shuffled<T>(all: readonly T[]): T[] {
    const left = [...all]
    const out: T[] = []
    while (left.length > 0) out.push(...left.splice(this.random.whole(0, left.length - 1), 1))
    return out
  }
}

/** Whether what the two say of themselves puts them in order; without that nobody promises which is taken. */
function isPlainlyOlder(other: Version, newer: Version, habits: Habits): boolean {
  const instants = instantRead(newer.atMs, habits) - instantRead(other.atMs, habits)
  switch (habits.meta) {
    case 'both':
      return instants > 0 && other.version < newer.version
    case 'instant':
    case 'text-version':
      return instants > 0
    case 'number':
      return other.version < newer.version
    case 'none':
      return false
  }
}
