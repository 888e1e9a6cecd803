/** A history: what happens to a server, and when it is synced; drawn by a seed, played by `play-history.ts`. */
import type { Habits } from './habits.ts'
import type { ServedState, ServedType } from './served-state.ts'

export interface History {
  readonly seed: string
  readonly habits: Habits
  readonly steps: readonly Step[]
}

export type Step = Change | Sync

/** What happens on the server. A change that does not fit the state, since another one was left out, does nothing. */
export type Change =
  | { readonly do: 'put'; readonly type: ServedType; readonly id: string; readonly content: number }
  | { readonly do: 'touch' | 'restore' | 'remove'; readonly type: ServedType; readonly id: string }
  | { readonly do: 'join' | 'leave'; readonly patient: string }
  | { readonly do: 'wait'; readonly ms: number }
  /** To the state of the last sync but so many. */
  | { readonly do: 'backup'; readonly syncsAgo: number }

export interface Sync {
  readonly do: 'sync'
  readonly full: boolean
  /** For the layout of its files. */
  readonly seed: string
  readonly fault: Fault | undefined
  /** Happens while the server reads its types, one after the other. */
  readonly meanwhile: readonly Change[]
  readonly kill: Kill | undefined
}

/** lost: a file is answered 404. failing: 500, and the run stays open. The others hold what they concern. */
export interface Fault {
  readonly kind: 'lost' | 'failing' | 'damaged' | 'short' | 'message'
  readonly type: ServedType
}

/** The process ends itself at its nth statement or file operation. */
export interface Kill {
  readonly step: number
  readonly moment: 'before' | 'during' | 'after'
  /** Whether the server forgets its exports before the next start. */
  readonly forgets: boolean
}

export function isSync(step: Step): step is Sync {
  return step.do === 'sync'
}

/** @returns how long it takes, in milliseconds */
export function apply(change: Change, state: ServedState, nowMs: number, syncsMs: readonly number[]): number {
  switch (change.do) {
    case 'put':
      state.put(change.type, change.id, change.content, nowMs)
      return 1
    case 'touch':
    case 'restore':
    case 'remove':
      state[change.do](change.type, change.id, nowMs)
      return 1
    case 'join':
    case 'leave':
      state[change.do](change.patient, nowMs)
      return 1
    case 'wait':
      return change.ms
    case 'backup': {
      const atMs = syncsMs.at(-change.syncsAgo)
      if (atMs !== undefined) state.goBackTo(atMs)
      return 1
    }
  }
}

/** In words, one line a step. */
export function words({ seed, habits, steps }: History): string {
  const lines = steps.map((step, place) => `  ${place + 1}. ${stepWords(step)}`)
  return [`history ${seed}: ${JSON.stringify(habits)}`, ...lines].join('\n')
}

function stepWords(step: Step): string {
  switch (step.do) {
    case 'put':
      return `put ${step.type}/${step.id} with content ${step.content}`
    case 'touch':
    case 'restore':
    case 'remove':
      return `${step.do} ${step.type}/${step.id}`
    case 'join':
    case 'leave':
      return `${step.patient} ${step.do}s the Group`
    case 'wait':
      return `wait ${step.ms / 1000} s`
    case 'backup':
      return `a backup is played back, of ${step.syncsAgo} syncs ago`
    case 'sync': {
      const { full, fault, kill, meanwhile, seed } = step
      const parts = [
        full ? 'sync --full' : 'sync',
        `(files by ${seed})`,
        ...(fault === undefined ? [] : [`with a fault: ${fault.kind} ${fault.type}`]),
        ...(meanwhile.length === 0 ? [] : [`meanwhile: ${meanwhile.map(stepWords).join(', ')}`]),
        ...(kill === undefined
          ? []
          : [`killed ${kill.moment} step ${kill.step}${kill.forgets ? ', the server forgets' : ''}`]),
      ]
      return parts.join(' ')
    }
  }
}
