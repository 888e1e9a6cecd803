/** The life of an export as one table: in each state, what each event leads to. Pure. */
import { StokerError } from '../core/errors.ts'
import type { ExportState } from '../ledger/exports.ts'

export type ExportEvent =
  /** The server took the request and said where its status is. */
  | 'taken'
  /** The server will not make this export: a refusal, or a job that failed. */
  | 'refused'
  /** The last page of its manifest came, and is in the ledger. */
  | 'complete'
  /** The server no longer knows it. */
  | 'gone'
  /** It was not done in time. */
  | 'deadline'
  /** All files listed are in the raw log, or known to be lost. */
  | 'landed'
  /** The next export of the run needs this one's place at the server. */
  | 'place-needed'
  /** The run was committed and published. */
  | 'published'
  /** The server let go of it, or did not know it any more. */
  | 'released'
  /** Its run is given up. */
  | 'cancelled'

export interface ExportStep {
  readonly to: ExportState
  /** Whether the server is told to stop, or to forget: DELETE at the status URL, where there is one. */
  readonly release: boolean
}

type Row = Readonly<Partial<Record<ExportEvent, ExportState | readonly [to: ExportState, act: 'release']>>>

/**
 * An event without a cell can not happen in that state: it is an error of Stoker's own. What ended by itself is deleted
 * too when its run is given up: some servers have no place for another export before.
 */
const LIFE: Readonly<Record<ExportState, Row>> = {
  planned: { taken: 'requested', refused: 'over', cancelled: 'over' },
  requested: { complete: 'ready', refused: 'over', gone: 'over', deadline: 'over', cancelled: ['over', 'release'] },
  ready: { landed: 'landed', cancelled: ['over', 'release'] },
  landed: {
    'place-needed': ['landed', 'release'],
    published: ['landed', 'release'],
    released: 'released',
    cancelled: ['over', 'release'],
  },
  released: { 'place-needed': 'released', published: 'released', cancelled: 'released' },
  over: { cancelled: ['over', 'release'] },
}

/** @throws StokerError EXPORT_LIFE for an event that can not happen in this state. */
export function nextStep(state: ExportState, event: ExportEvent): ExportStep {
  const cell = LIFE[state][event]
  if (cell === undefined) {
    throw new StokerError('EXPORT_LIFE', `an export that is ${state} can not be ${event}`, {
      hint: 'this is an error of Stoker: report it with the log',
      facts: { state, event },
    })
  }
  return typeof cell === 'string' ? { to: cell, release: false } : { to: cell[0], release: true }
}
