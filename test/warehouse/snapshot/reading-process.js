/** A process of its own: opens a snapshot, says so, answers one query for each line it is given, and ends when told. */
import { createInterface } from 'node:readline'
import { Lake } from '../../../dist/warehouse/lake.js'
import { SnapshotReader } from '../../../dist/warehouse/reading/reader.js'

const reader = await SnapshotReader.open(new Lake(process.argv[2]), 256 << 20)
process.stdout.write('open\n')
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await reader.rows(line))}\n`)
}
await reader.close()
