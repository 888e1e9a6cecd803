/** The life of an export as one table: in each state, what each event leads to. Pure. */
import { StokerError } from '../core/errors.ts'
import type { ExportState } from '../ledger/exports.ts'

export type ExportEvent =
  /** The server took the request and said where its status is. */
  | 'taken'
  /** The server will not make this export: a refusal, or a job that failed. */
  | 'refused'
  /** A page of the manifest came, and more will. */
  | 'page'
  /** The last page came. */
  | 'complete'
  /** The server no longer knows the export. */
  | 'gone'
  /** It was not done in time. */
  | 'deadline'
  /** A file's URL is no longer good. */
  | 'expired'
  /** All files listed are in the raw log, or known to be lost. */
  | 'landed'
  /** The run was committed and published. */
  | 'published'
  /** The next export of the run needs this one's place at the server. */
  | 'place-needed'
  /** The server let go of it, or did not know it any more. */
  | 'released'
  /** An operator gives the run up. */
  | 'cancelled'

export type ExportAction =
  /** Poll until the manifest, or its next page, is there. */
  | 'wait'
  /** Download what was listed. */
  | 'fetch'
  /** Read the manifest again for new URLs. */
  | 'read-again'
  /** DELETE at the status URL: the server may stop, or forget. */
  | 'release'
  /** Give the run up; the next one asks anew. */
  | 'begin-anew'
  /** Give the run up for good: somebody has to look. */
  | 'give-up'
  | 'nothing'

export interface ExportStep {
  readonly to: ExportState
  readonly act: ExportAction
}

type Row = Readonly<Partial<Record<ExportEvent, readonly [to: ExportState, act: ExportAction]>>>

/** An event without a cell can not happen in that state: it is an error of Stoker's own. */
const LIFE: Readonly<Record<ExportState, Row>> = {
  planned: { taken: ['requested', 'wait'], refused: ['over', 'give-up'], cancelled: ['over', 'nothing'] },
  requested: {
    page: ['requested', 'fetch'],
    complete: ['ready', 'fetch'],
    expired: ['requested', 'read-again'],
    refused: ['over', 'give-up'],
    gone: ['over', 'begin-anew'],
    deadline: ['over', 'release'],
    cancelled: ['over', 'release'],
  },
  ready: {
    expired: ['ready', 'read-again'],
    // The files that are still good are fetched; the others fail alone and hold their types back.
    gone: ['ready', 'nothing'],
    landed: ['landed', 'nothing'],
    cancelled: ['over', 'release'],
  },
  landed: {
    'place-needed': ['landed', 'release'],
    published: ['landed', 'release'],
    released: ['released', 'nothing'],
    cancelled: ['over', 'release'],
  },
  released: {
    'place-needed': ['released', 'nothing'],
    published: ['released', 'nothing'],
    cancelled: ['released', 'nothing'],
  },
  over: { cancelled: ['over', 'nothing'], released: ['over', 'nothing'] },
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
  return { to: cell[0], act: cell[1] }
}
