/** A list of files with the mistakes that manifests have: counts that are off, entries of nothing, entries twice. */
import type { ManifestBehaviour } from '../behaviour/manifest-behaviour.ts'
import { jobFile, type JobFile } from './export-job.ts'

type Mistake = (files: readonly JobFile[]) => readonly JobFile[]

export function oddListing(files: readonly JobFile[], behaviour: ManifestBehaviour): readonly JobFile[] {
  const mistakes = [
    ...(behaviour.counts === 'wrong' ? [countedWrong] : []),
    ...behaviour.oddEntries.map((oddity) => MISTAKES[oddity]),
  ]
  return mistakes.reduce((listed, mistake) => mistake(listed), files)
}

const MISTAKES: Readonly<Record<ManifestBehaviour['oddEntries'][number], Mistake>> = {
  missing: (files) => [
    ...files,
    jobFile({ name: 'missing.ndjson', kind: 'output', type: typeOf(files), count: 1, lines: undefined }),
  ],
  twice: (files) => [...files, ...files.slice(0, 1)],
  empty: (files) => [
    ...files,
    jobFile({ name: 'empty.ndjson', kind: 'output', type: typeOf(files), count: 0, lines: [] }),
  ],
  'continues-nowhere': (files) => lastOutput(files, (file) => ({ ...file, continuesIn: 'nowhere.ndjson' })),
}

/** The reference server's count of the last file is now and then one too many. */
function countedWrong(files: readonly JobFile[]): readonly JobFile[] {
  return lastOutput(files, (file) => ({ ...file, count: file.count + 1 }))
}

function lastOutput(files: readonly JobFile[], change: (file: JobFile) => JobFile): readonly JobFile[] {
  const last = files.findLast(({ kind }) => kind === 'output')
  return files.map((file) => (file === last ? change(file) : file))
}

/** Of the first file; a manifest without files would have patients in it. */
function typeOf([first]: readonly JobFile[]): string | undefined {
  return first ? first.type : 'Patient'
}
