/** Of the configuration what the lake keeps: deletions, the raw log, snapshots, who may read them, room on the disk. */
import type { Keeping } from '../warehouse/keeping.ts'
import { parseByteSize } from './byte-size.ts'
import type { ConfigFields } from './config-fields.ts'

const SNAPSHOTS_KEPT_DEFAULT = 10
const SNAPSHOT_DAYS_DEFAULT = 2
const MINIMUM_FREE_DISK_BYTES_DEFAULT = 1e9

/** @param fields of the whole file */
export function readKeeping(fields: ConfigFields): Keeping {
  const snapshots = fields.child('snapshots')
  return {
    deletions: (fields.text('deletions') as Keeping['deletions'] | undefined) ?? 'remove',
    rawLog: readRawLog(fields.child('rawLog').text('keep')),
    snapshots: {
      keep: snapshots.number('keep') ?? SNAPSHOTS_KEPT_DEFAULT,
      days: snapshots.number('days') ?? SNAPSHOT_DAYS_DEFAULT,
    },
    readers: (fields.text('readers') as Keeping['readers'] | undefined) ?? 'owner',
    minimumFreeDiskBytes: readMinimumFreeDisk(fields),
  }
}

function readRawLog(text: string | undefined): Keeping['rawLog'] {
  if (text === undefined || text === 'all' || text === 'latest') return text ?? 'all'
  return { days: Number.parseInt(text, 10) }
}

function readMinimumFreeDisk(fields: ConfigFields): number {
  const text = fields.text('minimumFreeDisk')
  const bytes = text === undefined ? MINIMUM_FREE_DISK_BYTES_DEFAULT : parseByteSize(text)
  if (bytes === undefined) fields.mistake('minimumFreeDisk', 'is no size', 'Write a number and its unit: 1GB, 20GiB.')
  return bytes ?? MINIMUM_FREE_DISK_BYTES_DEFAULT
}
