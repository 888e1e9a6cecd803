/** Cohorts as people read them: sizes, what moved, what is odd. */
import { mistakeText, type CohortMistake, type ParameterValue } from '../analysis/cohort/definition.ts'
import type { FoundMembers } from '../analysis/cohort/members.ts'
import type { CohortOutcome, CohortsRun } from '../analysis/cohort/run.ts'
import { StokerError } from '../core/errors.ts'
import type { Counted } from './cohort-run.ts'
import { errorText } from './error-text.ts'
import { countText, durationText, plural } from '../core/figures.ts'
import { textTable } from './text-table.ts'

const right = (head: string) => ({ head, align: 'right' as const })

export function outcomesText({ snapshot, outcomes }: CohortsRun): string {
  if (outcomes.length === 0) return 'no cohort was run\n'
  const table = textTable(
    [{ head: 'cohort' }, right('members'), right('entered'), right('left'), right('took'), { head: '' }],
    outcomes.map((each) =>
      each.kind === 'failed'
        ? [each.cohort, '', '', '', '', 'failed']
        : [
            each.cohort,
            countText(each.members),
            countText(each.entered),
            countText(each.left),
            each.kind === 'same' ? '' : durationText(each.milliseconds),
            [each.kind === 'same' ? 'as before' : '', each.definitionChanged ? 'its definition has changed' : '']
              .filter((text) => text !== '')
              .join('; '),
          ],
    ),
  )
  const remarks = outcomes.map((each) => (each.kind === 'failed' ? '' : oddText(each.cohort, each))).join('')
  const failures = outcomes.flatMap((each) =>
    each.kind === 'failed' ? [errorText(each.error, false, each.cohort)] : [],
  )
  return `snapshot ${snapshot}\n\n${table}${remarks}${failures.join('')}`
}

export function countedText(snapshot: number | undefined, counted: readonly Counted[]): string {
  if (counted.length === 0) return 'there is no cohort\n'
  const table = textTable(
    [{ head: 'cohort' }, right('members'), { head: 'with' }],
    counted.map(({ cohort, members, parameters }) => [cohort, countText(members), valuesText(parameters)]),
  )
  const remarks = counted.map((each) => oddText(each.cohort, each)).join('')
  return `snapshot ${snapshot}; nothing is kept\n\n${table}${remarks}`
}

/** What of the rows is no member, and why. */
export function oddText(
  cohort: string,
  { rows, nullKeys, strangers, members }: { readonly [K in keyof FoundMembers]: number | null },
): string {
  const remarks: string[] = []
  if (nullKeys) remarks.push(`${plural(nullKeys, 'row')} without a patient_key left out`)
  if (strangers) remarks.push(`${plural(strangers, 'key')} of no patient of the lake left out`)
  const more = (rows ?? 0) - (nullKeys ?? 0) - (strangers ?? 0) - (members ?? 0)
  if (more > 0 && !strangers) remarks.push(`${plural(more, 'row')} repeat a patient, who counts once`)
  return remarks.map((remark) => `${cohort}: ${remark}\n`).join('')
}

function valuesText(values: Readonly<Record<string, ParameterValue>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${value === null ? 'NULL' : String(value)}`)
    .join(' ')
}

export function mistakesText(mistakes: readonly CohortMistake[]): string {
  return mistakes.map((each) => `stoker: ${mistakeText(each)}\n`).join('')
}

export function isFailed(outcome: CohortOutcome): boolean {
  return outcome.kind === 'failed'
}

export function outcomeJson(outcome: CohortOutcome): object {
  if (outcome.kind !== 'failed') return outcome
  const { error, ...rest } = outcome
  const {
    code,
    message,
    hint = null,
    retryable,
  } = error instanceof StokerError
    ? error
    : { code: 'INTERNAL', message: 'an error of Stoker itself', hint: null, retryable: false }
  return { ...rest, error: { code, message, hint, retryable } }
}

const COLUMNS = 100

/** Words in lines of 100 columns at most, each indented. */
export function wrapped(text: string, indent: string): string {
  const lines: string[] = []
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1)
    if (last !== undefined && indent.length + last.length + 1 + word.length <= COLUMNS)
      lines[lines.length - 1] += ` ${word}`
    else lines.push(word)
  }
  return lines.map((line) => `${indent}${line}\n`).join('')
}
