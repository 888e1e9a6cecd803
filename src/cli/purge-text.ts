/** What `stoker purge` tells: what goes, what went, and the proof. */
import type { Purged } from '../warehouse/purge/purge.ts'
import type { Selected } from '../warehouse/purge/selection.ts'
import type { LeftSnapshots } from '../warehouse/purge/snapshots.ts'
import { subjectKey, type PurgeSubject } from '../warehouse/purge/subject.ts'
import { countText, plural } from '../core/figures.ts'
import { textTable } from './text-table.ts'

/** Nothing of it was found but in snapshots that were to stay, and no query has anything on the disk. */
export function isClean({ places, keepsSnapshots, queriesLeft }: Purged): boolean {
  return (
    queriesLeft === 0 && places.every(({ place, found }) => found === 0 || (place === 'snapshots' && keepsSnapshots))
  )
}

/** What is left goes by itself, or is taken by the same command, when nobody reads it any more. */
export function isReadNow(purged: Purged): boolean {
  return isClean({ ...purged, keepsSnapshots: true, queriesLeft: 0 })
}

/** There was nothing of it: a purge of a mistyped id must not read like a proof. */
export function foundNothing({ viewRows, indexRows, rawLines, namedBy, rejectTexts, ...rest }: Purged): boolean {
  const snapshots = rest.snapshotsRemoved.length + rest.snapshotsLeft.length
  return viewRows + indexRows + rawLines + namedBy + rejectTexts + rest.rawFiles + snapshots === 0
}

export function selectedText(subject: PurgeSubject, { resources, lines }: Selected): string {
  const all = Object.values(resources).reduce((a, b) => a + b, 0)
  const types = Object.entries(resources).map(([type, count]) => `${countText(count)} ${type}`)
  const what = all === 0 ? 'nothing' : `${plural(all, 'resource')} (${types.join(', ')})`
  return `${subjectKey(subject)}: the lake holds ${what}, ${plural(lines, 'line')} of the raw log\n`
}

export function purgedText(purged: Purged): string {
  const { subject, viewRows, indexRows, rawLines, rawFiles, namedBy, rejectTexts, snapshot } = purged
  if (foundNothing(purged)) return `Nothing of ${subjectKey(subject)} was in the lake: is it the right one?\n`
  const gone = [
    plural(viewRows, 'row') + ' of tables',
    plural(indexRows, 'row') + ' of the index and its past',
    subject.kind === 'source'
      ? plural(rawFiles, 'raw log file')
      : `${plural(rawLines, 'line')} of ${plural(rawFiles, 'raw log file')}`,
    ...(namedBy > 0 ? [`its name in ${plural(namedBy, 'line')} of deletions and messages`] : []),
    ...(rejectTexts > 0 ? [`the texts of ${plural(rejectTexts, 'reject')}`] : []),
  ]
  const proof = textTable(
    [{ head: 'looked through' }, { head: 'read', align: 'right' }, { head: 'found', align: 'right' }],
    purged.places.map(({ place, scanned, found }) => [place, countText(scanned), countText(found)]),
  )
  return `purged ${subjectKey(subject)}: ${gone.join(', ')}; snapshot ${snapshot} is without it\n${snapshotsText(purged)}\n${proof}${remarks(purged)}`
}

export const REWRITTEN =
  'The database file is written anew, the last step of a purge that was interrupted. Whom it took is kept nowhere: to see it proven, purge the same again with --dry-run.\n'

/** What `stoker purge --finish` tells where no purge was interrupted. */
export function leftText({ removed, left }: LeftSnapshots): string {
  if (removed.length + left.length === 0) return 'Nothing is left to finish.\n'
  const gone = removed.length === 0 ? '' : `snapshots that had what was purged are gone: ${removed.join(', ')}\n`
  return left.length === 0
    ? gone
    : `${gone}snapshots that have what was purged are still being read: ${left.join(', ')}\n`
}

function snapshotsText({ snapshotsRemoved, snapshotsLeft, keepsSnapshots }: Purged): string {
  const removed =
    snapshotsRemoved.length === 0 ? '' : `older snapshots that had it are gone: ${snapshotsRemoved.join(', ')}\n`
  const until = keepsSnapshots
    ? "they go as the configuration's snapshots says"
    : 'they are being read: stoker purge --finish, or any other purge, removes them afterwards'
  const left = snapshotsLeft.length === 0 ? '' : `snapshots that still have it: ${snapshotsLeft.join(', ')}; ${until}\n`
  return removed + left
}

function remarks(purged: Purged): string {
  const { subject, mentions, queriesLeft } = purged
  const types = mentions.map(({ type, resources }) => `${countText(resources)} ${type}`).join(', ')
  const named = mentions.length === 0 ? '' : `Others still refer to it: ${types}. They stay; --resource takes one.\n`
  const spilled =
    queriesLeft === 0
      ? ''
      : `Queries under way have spilled to the disk, perhaps of it: ${countText(queriesLeft)}. That goes when they end.\n`
  const clean = isClean(purged) ? '' : 'NOT everything is gone: see above.\n'
  const back =
    subject.kind === 'source'
      ? 'A source that is still configured is loaded wholly by its next run.\n'
      : 'What the server still has comes back with the next run that brings it.\n'
  return named + bytesText(purged) + spilled + clean + back
}

/** What the bytes of files could not tell. */
function bytesText({ subject, needles }: Purged): string {
  return needles
    .map(({ what, isTooShort, ofOthers }) => {
      const tables = Object.entries(ofOthers).map(([table, rows]) => `${table} ${countText(rows)}`)
      const name =
        what === 'id' && subject.kind !== 'source' ? `The id ${subject.id}` : `The key ${subjectKey(subject)}`
      if (isTooShort) return `${name} is too short to be searched for by itself in bytes; in rows and lines it was.\n`
      if (tables.length === 0) return ''
      return `${name} is within rows of others (${tables.join(', ')}): the bytes of the database file can't tell of whom it is.\n`
    })
    .join('')
}
