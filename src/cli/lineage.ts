/** `stoker lineage TABLE KEY`: where a row comes from, and every version its resource had. */
import { Command } from 'commander'
import { StokerError } from '../core/errors.ts'
import type { LineageTable, ResourceKey, Version } from '../ledger/lineage.ts'
import { shownUrl } from '../ledger/shown-url.ts'
import { rawRelationAt } from '../store/raw-log.ts'
import type { Lake } from '../warehouse/lake.ts'
import type { Action } from './action.ts'
import { lookIntoLedger, notInSnapshot, snapshotNotice, type LedgerLook } from './lake-look.ts'
import { jsonText } from './json-text.ts'
import { lakeOf, withLakeOptions, type LakeOptions } from './lake-option.ts'
import { lineageText, type Lineage } from './lineage-text.ts'
import { chosenTable, typedKey, type TypedKey } from './resource-key.ts'
import { withScratchDatabase } from './scratch-database.ts'

interface LineageOptions extends LakeOptions {
  readonly json?: true
  readonly raw?: true
}

export function lineageCommand(perform: (action: Action) => Promise<void>): Command {
  const command = new Command('lineage')
    .description('where a row comes from: its run, request, file and line, and every version it had')
    .argument('<table>', 'a view table')
    .argument('<key>', '_resource_key of a row: source/Type/id; Type/id or id where that is one resource')
    .option('--raw', 'its newest version as it was received: this shows what is in it')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `
Examples:
  stoker lineage patient hospital/Patient/4711
  stoker lineage condition 8f3c --json
  stoker lineage patient 4711 --raw

A worker that serves the lake over http is asked. While another process writes to the lake, the newest snapshot tells where
its rows come from; earlier versions are in the database, which only one process reads at a time.`,
    )
    .action((table: string, key: string, _options, self: Command) =>
      perform(() => lineage(table, key, self.opts<LineageOptions>())),
    )
  return withLakeOptions(command)
}

async function lineage(name: string, text: string, options: LineageOptions): Promise<number> {
  const { lake, memoryLimitBytes } = await lakeOf(options)
  const answer = await lookIntoLedger(lake, memoryLimitBytes, async (look) => {
    const tables = await look.ledger.tables()
    const table = chosenTable(name, tables)
    const key = await knownKey(look, table, typedKey(text, table, tables))
    const found = await follow(look, table, key)
    return options.raw ? await rawText(look, lake, key, found.versions) : lookText(look, found, options.json)
  })
  process.stdout.write(answer)
  return 0
}

async function knownKey(look: LedgerLook, table: LineageTable, { source, type, id }: TypedKey): Promise<ResourceKey> {
  if (source !== undefined) return { source, type, id }
  const sources = await look.ledger.sourcesOf({ table: table.name, type, id })
  if (sources.length === 0) throw neverSeen(look, `${type}/${id}`, table)
  if (sources.length === 1) return { source: sources[0]!, type, id }
  throw new StokerError('LINEAGE_AMBIGUOUS', `${sources.length} sources have a ${type}/${id}`, {
    hint: `name one: ${sources.map((each) => `${each}/${type}/${id}`).join(', ')}`,
  })
}

async function follow(look: LedgerLook, table: LineageTable, key: ResourceKey): Promise<Lineage> {
  const { ledger } = look
  const versions = await ledger.versions({ table: table.name, ...key })
  const text = `${key.source}/${key.type}/${key.id}`
  if (versions.length === 0) throw neverSeen(look, text, table)
  return { key: text, table, rows: await ledger.rows({ table: table.name, ...key }), versions }
}

function neverSeen({ shut }: LedgerLook, key: string, table: LineageTable): StokerError {
  if (shut === undefined) {
    return new StokerError('LINEAGE_UNKNOWN', `${key} was never seen`, {
      hint: 'no run received it, and none was told of its deletion; ids are told apart by upper and lower case',
    })
  }
  const message = `${table.name} has no row of ${key} in the newest snapshot`
  return notInSnapshot(shut, message, 'whether it was ever seen, or deleted,')
}

function lookText(look: LedgerLook, { versions, ...found }: Lineage, asJson: true | undefined): string {
  if (asJson) {
    const shown = versions.map((each) => ({ ...each, request_url: each.request_url && shownUrl(each.request_url) }))
    return jsonText({ live: look.live, ...found, state: stateOf(found.rows, versions), versions: shown })
  }
  const earlier = look.shut === undefined ? '' : `\nEarlier versions are in the database, ${look.shut.which}.\n`
  return `${snapshotNotice(look)}${lineageText({ versions, ...found })}${earlier}`
}

function stateOf(rows: number, versions: readonly Version[]): 'held' | 'no row' | 'deleted' {
  if (versions[0]!.deleted_by !== null) return 'deleted'
  return rows === 0 ? 'no row' : 'held'
}

/** The only place where a resource's content is shown, and only because it was asked for. */
async function rawText(
  look: LedgerLook,
  lake: Lake,
  { source, type, id }: ResourceKey,
  versions: readonly Version[],
): Promise<string> {
  if (!look.live) {
    throw notInSnapshot(look.shut, 'where its text lies in the raw log is known to the database alone', 'that')
  }
  const newest = versions.find((version) => version.deleted_by === null)
  if (newest?.file != null && newest.line !== null) {
    const path = await look.ledger.rawPath({ file: newest.file })
    const json = path === null ? undefined : await rawLine(lake.path(path), newest.file, newest.line)
    if (json !== undefined) return `${json}\n`
  }
  throw new StokerError('LINEAGE_NO_TEXT', `the raw log has no text of ${source}/${type}/${id}`, {
    hint: 'it was never received, or the raw log no longer keeps it (rawLog in the configuration)',
  })
}

/** The raw log is nobody's alone: whoever may read its file reads the line, with a DuckDB of his own. */
function rawLine(path: string, file: number, line: number): Promise<string | undefined> {
  return withScratchDatabase(async (connection) => {
    const places = `SELECT ${file} AS file, ${line} AS line`
    const rows = await connection.runAndReadAll(`SELECT json FROM ${rawRelationAt([path], places)}`)
    return (rows.getRowObjectsJson() as unknown as { readonly json: string }[])[0]?.json
  })
}
