/** What `stoker purge` tells: what goes, what went, and the proof. */
import type { Purged } from '../warehouse/purge/purge.ts'
import type { Selected } from '../warehouse/purge/selection.ts'
import { subjectKey, type PurgeSubject } from '../warehouse/purge/subject.ts'
import { countText, plural } from './figures.ts'
import { textTable } from './text-table.ts'

/** Nothing of it was found but in snapshots that were to stay, and in what others say of it. */
export function isClean({ places, mentions, keepsSnapshots }: Purged): boolean {
  const isTold = (place: string) =>
    (place === 'snapshots' && keepsSnapshots) || (place === 'files' && mentions.length > 0)
  return places.every(({ place, found }) => found === 0 || isTold(place))
}

export function selectedText(subject: PurgeSubject, { resources, lines }: Selected): string {
  const all = Object.values(resources).reduce((a, b) => a + b, 0)
  const types = Object.entries(resources).map(([type, count]) => `${countText(count)} ${type}`)
  const what = all === 0 ? 'nothing' : `${plural(all, 'resource')} (${types.join(', ')})`
  return `${subjectKey(subject)}: the lake holds ${what}, ${plural(lines, 'line')} of the raw log\n`
}

export function purgedText(purged: Purged): string {
  const { subject, viewRows, indexRows, rawLines, rawFiles, rejectTexts, snapshot } = purged
  const gone = [
    plural(viewRows, 'row') + ' of tables',
    plural(indexRows, 'row') + ' of the index and its past',
    subject.kind === 'source'
      ? plural(rawFiles, 'raw log file')
      : `${plural(rawLines, 'line')} of ${plural(rawFiles, 'raw log file')}`,
    ...(rejectTexts > 0 ? [`the texts of ${plural(rejectTexts, 'reject')}`] : []),
  ]
  const proof = textTable(
    [{ head: 'looked through' }, { head: 'read', align: 'right' }, { head: 'found', align: 'right' }],
    purged.places.map(({ place, scanned, found }) => [place, countText(scanned), countText(found)]),
  )
  return `purged ${subjectKey(subject)}: ${gone.join(', ')}; snapshot ${snapshot} is without it\n${snapshotsText(purged)}\n${proof}${remarks(purged)}`
}

function snapshotsText({ snapshotsRemoved, snapshotsLeft }: Purged): string {
  const removed =
    snapshotsRemoved.length === 0 ? '' : `older snapshots that had it are gone: ${snapshotsRemoved.join(', ')}\n`
  const left =
    snapshotsLeft.length === 0
      ? ''
      : `snapshots that still have it: ${snapshotsLeft.join(', ')}; purge again without --keep-snapshots, when nobody reads them\n`
  return removed + left
}

function remarks(purged: Purged): string {
  const { subject, mentions } = purged
  const types = mentions.map(({ type, resources }) => `${countText(resources)} ${type}`).join(', ')
  const named = mentions.length === 0 ? '' : `Others still refer to it: ${types}. They stay; --resource takes one.\n`
  const clean = isClean(purged) ? '' : 'NOT everything is gone: see above.\n'
  const back =
    subject.kind === 'source'
      ? 'A source that is still configured is loaded wholly by its next run.\n'
      : 'What the server still has comes back with the next run that brings it.\n'
  return named + clean + back
}
