/** What can be had of the past from snapshots alone, while another process has the database. */
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { publishedPast, type PublishedPast } from '../../../src/analysis/dataset/published-past.ts'
import { StokerError } from '../../../src/core/errors.ts'
import { DatasetLake } from './dataset-lake.ts'

let lake: DatasetLake
let runs: PublishedPast[]
beforeAll(async () => {
  lake = await DatasetLake.make(3)
  await lake.grow(1)
  runs = [await past('1'), await past('2')]
})
afterAll(() => lake.close())

const locked = new StokerError('STORE_LOCKED', 'held')
const past = (when: string) => publishedPast(lake.lake, when, 256 << 20, locked)
const before = (instant: string, ms: number) => new Date(Date.parse(instant) - ms).toISOString()

async function publishedAt(snapshot: number): Promise<string> {
  const text = await readFile(join(lake.lake.snapshot(snapshot), 'manifest.json'), 'utf8')
  return (JSON.parse(text) as { published_at: string }).published_at
}

test('a run is its snapshot, and an instant the last run that was committed by then', async () => {
  expect(runs.map(({ run, snapshot }) => [run, snapshot])).toEqual([
    [1, 1],
    [2, 2],
  ])
  const [first, second] = runs.map(({ committed_at }) => committed_at) as [string, string]
  expect(await past(first)).toEqual(runs[0])
  expect(await past(before(second, 1))).toEqual(runs[0])
  expect(await past(second)).toEqual(runs[1])
  expect(await past(await publishedAt(2))).toEqual(runs[1])
})

test('an instant behind the newest snapshot is refused: a run may be committed that is not published yet', async () => {
  await expect(past(before(await publishedAt(2), -1))).rejects.toMatchObject({
    code: 'STORE_LOCKED',
    message: expect.stringContaining('is after the newest snapshot, 2') as string,
    hint: expect.stringContaining('name the run, 2') as string,
  })
})

test('what no snapshot has is refused with the runs that can be had', async () => {
  for (const when of ['9', before(runs[0]!.committed_at, 1000)])
    await expect(past(when)).rejects.toMatchObject({
      code: 'STORE_LOCKED',
      hint: expect.stringContaining(': 1, 2;') as string,
    })
  await rm(lake.lake.snapshot(1), { recursive: true })
  for (const when of ['1', runs[0]!.committed_at])
    await expect(past(when)).rejects.toMatchObject({
      code: 'STORE_LOCKED',
      hint: expect.stringContaining(': 2;') as string,
    })
})
