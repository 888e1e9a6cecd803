/** The files of a run: what could not be had first, then the others as they were listed. */
import { html } from 'hono/html'
import { bytesText, countText, plural } from '../../core/figures.ts'
import type { FileDetails, RunDetails } from '../../ledger/run-details.ts'
import { fileBadge } from './badge.ts'
import { dataTable } from './data-table.ts'
import { moreLink } from './frame.ts'
import type { Html } from './html.ts'

const FILES_SHOWN = 100

/** @param showsAll a run of 20,000 files is shown whole only to who asks */
export function filesSection({ run, files }: RunDetails, showsAll: boolean): Html | '' {
  if (files.length === 0) return ''
  const sorted = [...files].sort((a, b) => rank(a) - rank(b) || a.file - b.file)
  const shown = showsAll ? sorted : sorted.slice(0, FILES_SHOWN)
  const more = files.length - shown.length
  const folder = commonFolder(files)
  const isInVain = shown.some(({ tries }) => tries !== null)
  return html`<section aria-labelledby="files" data-follows="${run.run}">
    <h2 id="files">Files</h2>
    <p class="quiet">
      ${statesText(files)}${folder === undefined ? '' : html`, from <code class="address">${folder}</code>`}
    </p>
    ${dataTable<FileDetails>({
      caption: `Files of run ${run.run}`,
      hidesCaption: true,
      isCompact: true,
      rows: shown,
      empty: '',
      rowId: ({ file }) => `file-${file}`,
      below: ({ url, note }) =>
        note === null && folder !== undefined
          ? undefined
          : html`${note === null ? '' : html`<p class="outside note">${note}</p>`}
            ${folder === undefined ? html`<code class="address">${url}</code>` : ''}`,
      columns: [
        { head: 'file', isName: true, cell: ({ file }) => html`<span class="run-word">File </span>${file}` },
        { head: 'type', narrow: 'kept', cell: ({ type, kind }) => (kind === 'output' ? type : `(${kind})`) },
        { head: 'state', narrow: 'kept', cell: ({ state }) => fileBadge(state) },
        { head: 'lines', isFigure: true, cell: ({ lines }) => count(lines) },
        { head: 'resources', isFigure: true, cell: ({ resources }) => count(resources) },
        {
          head: 'rejects',
          isFigure: true,
          cell: ({ rejects }) =>
            rejects === null || rejects === 0 ? count(rejects) : html`<a href="#rejects">${count(rejects)}</a>`,
        },
        { head: 'announced', isFigure: true, cell: ({ claimed }) => count(claimed) },
        { head: 'bytes', isFigure: true, cell: ({ bytes }) => (bytes === null ? undefined : bytesText(bytes)) },
        ...(isInVain ? [{ head: 'syncs in vain', isFigure: true, cell: ({ tries }: FileDetails) => tries }] : []),
        ...(folder === undefined
          ? []
          : [
              {
                head: 'name',
                cell: ({ url }: FileDetails) =>
                  html`<code class="address" title="${url}">${url.slice(folder.length)}</code>`,
              },
            ]),
        { head: 'sha256', cell: ({ sha256 }) => sha256 && html`<code title="${sha256}">${sha256.slice(0, 8)}</code>` },
      ],
    })}
    ${more > 0 ? moreLink(`/runs/${run.run}?files=all#files`, `${plural(more, 'file')} more`) : ''}
  </section>`
}

/** Most servers have all files of an export in one place; undefined where they are in several. */
function commonFolder(files: readonly FileDetails[]): string | undefined {
  const folderOf = ({ url }: FileDetails) => url.slice(0, url.lastIndexOf('/') + 1)
  const first = folderOf(files[0]!)
  const isIn = (file: FileDetails) => folderOf(file) === first && file.url.length > first.length
  return first.length > 8 && files.every(isIn) ? first : undefined
}

function rank({ state }: FileDetails): number {
  return state === 'failed' ? 0 : state === 'skipped' ? 1 : state === 'landed' ? 3 : 2
}

function count(value: number | null): string | undefined {
  return value === null ? undefined : countText(value)
}

function statesText(files: readonly FileDetails[]): string {
  const counts = new Map<string, number>()
  for (const { state } of files) counts.set(state, (counts.get(state) ?? 0) + 1)
  return `${plural(files.length, 'file')}: ${[...counts].map(([state, number]) => `${countText(number)} ${state}`).join(', ')}`
}
