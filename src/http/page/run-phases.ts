/** The phases of a run as bars over its time. */
import { html } from 'hono/html'
import { durationText } from '../../core/figures.ts'
import { phaseTimes, type PhaseSpell, type PhaseTime } from '../../ledger/phases.ts'
import type { RunDetails } from '../../ledger/run-details.ts'
import { dataTable } from './data-table.ts'
import type { Html } from './html.ts'
import { instant } from './moment.ts'

const WORDS = {
  export: 'export: the server works',
  gather: 'gather: files to the raw log',
  merge: 'merge into the tables',
  publish: 'publish the snapshot',
  release: 'release the export',
} as const

export function phasesSection({ phases, run }: RunDetails, isRunning: boolean, now: Date): Html | '' {
  if (phases.length === 0) return ''
  const from = run.started_at.getTime()
  const until = Math.max(from + 1, ...phases.map((spell) => endOf(spell, isRunning, now)))
  return html`<section aria-labelledby="phases">
    <h2 id="phases">Phases</h2>
    ${dataTable<PhaseTime>({
      caption: 'Phases',
      hidesCaption: true,
      rows: phaseTimes(phases),
      empty: '',
      columns: [
        { head: 'phase', isName: true, cell: ({ phase }) => WORDS[phase] },
        {
          head: 'took',
          isFigure: true,
          cell: ({ tookMs, spells, unended }) =>
            spells === unended ? (isRunning ? 'under way' : 'no end') : durationText(tookMs),
        },
        { head: 'when', cell: ({ phase }) => bars(phases.filter((spell) => spell.phase === phase)) },
        { head: 'from', cell: ({ startedAt }) => instant(startedAt) },
        { head: '', cell: (time) => spellsText(time, isRunning) },
      ],
    })}
  </section>`

  function bars(spells: readonly PhaseSpell[]): Html {
    const place = (ms: number) => ((ms - from) / (until - from)) * 100
    return html`<svg class="bars" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" focusable="false">
      <rect class="way" width="100" height="8" />
      ${spells.map((spell) => {
        const start = place(spell.started_at.getTime())
        const width = Math.max(0.6, place(endOf(spell, isRunning, now)) - start)
        return html`<rect
          class="${spell.ended_at === null && !isRunning ? 'open' : 'spell'}"
          x="${start.toFixed(2)}"
          width="${Math.min(width, 100 - start + 0.6).toFixed(2)}"
          height="8"
        />`
      })}
    </svg>`
  }
}

/** Of a spell without an end nobody knows when it ended, unless the run goes on. */
function endOf({ started_at, ended_at }: PhaseSpell, isRunning: boolean, now: Date): number {
  return (ended_at ?? (isRunning ? now : started_at)).getTime()
}

function spellsText({ spells, unended }: PhaseTime, isRunning: boolean): string {
  return [
    spells > 1 ? `${spells} spells` : '',
    unended > 0 && !isRunning ? `${unended === 1 ? 'one' : unended} without an end: the process was killed` : '',
  ]
    .filter((text) => text !== '')
    .join(', ')
}
