/** `stoker snapshots`: what was published, by what, and whether it is still there. */
import { Command } from 'commander'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SnapshotLine } from '../ledger/snapshots.ts'
import type { Lake } from '../warehouse/lake.ts'
import type { SnapshotManifest } from '../warehouse/snapshot/manifest.ts'
import type { Action } from './action.ts'
import { wholeNumber } from './arguments.ts'
import { bytesText, countText } from '../core/figures.ts'
import { jsonText } from './json-text.ts'
import { lookIntoLedger, snapshotNotice } from './lake-look.ts'
import { lakeOf, withLakeOptions, type LakeOptions } from './lake-option.ts'
import { textTable } from './text-table.ts'
import { timeText } from './run-text.ts'

interface SnapshotsOptions extends LakeOptions {
  readonly limit: number
  readonly json?: true
}

export function snapshotsCommand(perform: (action: Action) => Promise<void>): Command {
  const command = new Command('snapshots')
    .description('what was published, by what, and whether it is still there, newest first')
    .option('-n, --limit <count>', 'so many at most', wholeNumber(1, 100_000), 20)
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `
Examples:
  stoker snapshots
  stoker query --snapshot 7 "FROM patient"    one that is there
  stoker snapshots -n 1000 --json

A size is that of all files of a snapshot; what did not change since the one before it shares with that, and takes no
room. How long one stays, snapshots in the configuration says.`,
    )
    .action((_options, self: Command) => perform(() => list(self.opts<SnapshotsOptions>())))
  return withLakeOptions(command)
}

async function list({ limit, json, ...options }: SnapshotsOptions): Promise<number> {
  const { lake, memoryLimitBytes } = await lakeOf(options)
  const { snapshots, live, notice } = await lookIntoLedger(lake, memoryLimitBytes, async (look) => ({
    snapshots: look.live ? await look.ledger.snapshots({ limit }) : (await manifestLines(lake)).slice(0, limit),
    live: look.live,
    notice: snapshotNotice(look),
  }))
  process.stdout.write(json ? jsonText({ live, snapshots }) : notice + snapshotsText(snapshots))
  return 0
}

/** Those that are there, by their own manifests. */
async function manifestLines(lake: Lake): Promise<SnapshotLine[]> {
  const names = (await readdir(lake.snapshots))
    .filter((name) => /^\d+$/.test(name))
    .sort((a, b) => Number(b) - Number(a))
  const lines = await Promise.all(names.map((name) => manifestLine(join(lake.snapshots, name, 'manifest.json'))))
  return lines.filter((line) => line !== undefined)
}

/** Undefined where it went meanwhile. */
async function manifestLine(path: string): Promise<SnapshotLine | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
  if (text === undefined) return undefined
  const { snapshot, run, published_at, tables } = JSON.parse(text) as SnapshotManifest
  return {
    snapshot,
    published_at: new Date(published_at),
    by: run === null ? null : 'run',
    run,
    tables: tables.length,
    tables_changed: tables.filter(({ changed }) => changed).length,
    bytes: tables.reduce((sum, { bytes }) => sum + bytes, 0),
    removed_at: null,
  }
}

function snapshotsText(snapshots: readonly SnapshotLine[]): string {
  if (snapshots.length === 0) return 'nothing is published yet: stoker sync\n'
  const right = (head: string) => ({ head, align: 'right' as const })
  return textTable(
    [
      right('snapshot'),
      { head: 'published' },
      { head: 'by' },
      right('tables'),
      right('changed'),
      right('size'),
      { head: '' },
    ],
    snapshots.map((each) => [
      each.snapshot,
      timeText(each.published_at),
      each.run === null ? (each.by ?? 'rebuild or purge') : `run ${each.run}`,
      countText(each.tables),
      countText(each.tables_changed),
      bytesText(each.bytes),
      each.removed_at === null ? 'there' : `removed ${timeText(each.removed_at)}`,
    ]),
  )
}
