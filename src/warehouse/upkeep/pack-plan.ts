/** Which raw log files are written together: small ones that pile up, and those of which much may go. Pure. */
import { FILES_AT_ONCE } from '../../store/raw-log.ts'
import { bytesOf, keptOf, type RawFile } from './raw-files.ts'

/** A packed file holds about this much: of 1.5 GB of FHIR text, a few seconds of reading. */
const PACK_BYTES = 128e6
/** Below half of it a file may still grow. */
const SMALL_BYTES = PACK_BYTES / 2
/** Joining so small a file costs nothing worth counting, whatever else is joined. */
const TINY_BYTES = 1e6
/** Of a file of which less may go, most would only be copied. */
const DROPPED_SHARE_MIN = 0.1

export interface PackPlan {
  readonly files: readonly RawFile[]
  /** Lines of them that go. */
  readonly dropped: number
}

/**
 * @param group files of one kind and type, in order
 * @param droppedOf how many lines of a file may go
 * @param thorough every small file, and every file of which anything may go; else only where it pays: a file joins others
 *   that are as much as it is together, so that a line is written anew a few times in its life, however often files pile up
 */
export function planPacks(
  group: readonly RawFile[],
  droppedOf: (file: RawFile) => number,
  thorough: boolean,
): PackPlan[] {
  const share = (file: RawFile) => (file.kept === 0 ? 1 : droppedOf(file) / file.kept)
  const thinned = (file: RawFile) => share(file) > 0 && (thorough || share(file) >= DROPPED_SHARE_MIN)
  const small = group.filter((file) => file.bytes < SMALL_BYTES)
  const joining = new Set(thorough ? small : inTiers(small))
  const chosen = group.filter((file) => joining.has(file) || thinned(file))
  const packs: RawFile[][] = []
  let bytes = Infinity
  for (const file of chosen) {
    const after = file.bytes * (1 - share(file))
    if (bytes + after > PACK_BYTES || packs.at(-1)!.length >= FILES_AT_ONCE) {
      packs.push([])
      bytes = 0
    }
    packs.at(-1)!.push(file)
    bytes += after
  }
  return packs
    .map((files) => ({ files, dropped: files.reduce((sum, file) => sum + droppedOf(file), 0) }))
    .filter(({ files, dropped }) => files.length > 1 || dropped > 0 || keptOf(files) === 0)
}

/** From the smallest on, as long as the next is no larger than all before it. */
function inTiers(files: readonly RawFile[]): RawFile[] {
  const chosen: RawFile[] = []
  for (const file of files.toSorted((a, b) => a.bytes - b.bytes)) {
    if (file.bytes > Math.max(TINY_BYTES, bytesOf(chosen))) break
    chosen.push(file)
  }
  return chosen
}
