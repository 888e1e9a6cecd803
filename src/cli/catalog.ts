/** `stoker catalog`: a catalog for another mount point or machine. */
import { Command } from 'commander'
import { access } from 'node:fs/promises'
import { resolve, sep } from 'node:path'
import { StokerError } from '../core/errors.ts'
import type { Lake } from '../warehouse/lake.ts'
import { writeMountedCatalog } from '../warehouse/snapshot/mounted-catalog.ts'
import type { Action } from './action.ts'
import { wholeNumber } from './arguments.ts'
import { plural } from '../core/figures.ts'
import { jsonText } from './json-text.ts'
import { lakeOf, withLakeOptions, type LakeOptions } from './lake-option.ts'

interface CatalogOptions extends LakeOptions {
  readonly at: string
  readonly out: string
  readonly snapshot?: number
  readonly force?: true
  readonly json?: true
}

export function catalogCommand(perform: (action: Action) => Promise<void>): Command {
  const command = new Command('catalog')
    .description('write a catalog for readers who see the lake at another path')
    .requiredOption('--at <path>', 'where they see the lake folder: an absolute path or a URL')
    .option('--out <file>', 'the catalog to write', 'stoker-catalog.duckdb')
    .option('--snapshot <number>', 'of this snapshot, not the newest', wholeNumber(1, 2 ** 31 - 1))
    .option('--force', 'replace the file if it is there')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `
Examples:
  stoker catalog --at /mnt/lake
  stoker catalog --at 'Z:\\lake' --out for-windows.duckdb
  stoker catalog --at s3://research/lake --snapshot 7 --out lake-7.duckdb

The views name the Parquet files at PATH/snapshots/NUMBER/TABLE/: mount the lake there, or copy its folder "snapshots", or
that one snapshot below it. The file is written in the current folder as stoker-catalog.duckdb unless --out says
otherwise. It stays with its snapshot: write it again after the next sync. A worker may be writing to the lake meanwhile.

Whoever opens it may name yet another place: SET VARIABLE stoker_lake = '/elsewhere/lake'`,
    )
    .action((_options, self: Command) =>
      perform(async () => {
        const options = self.opts<CatalogOptions>()
        const { lake } = await lakeOf(options)
        const at = mountPoint(options.at)
        const out = resolve(options.out)
        await refuseOutput(lake, out, options.force ?? false)
        const written = await writeMountedCatalog(lake, { at, out, snapshot: options.snapshot })
        const { snapshot, tables } = written
        process.stdout.write(
          options.json
            ? jsonText({ catalog: out, at, snapshot, tables })
            : `${out}: ${plural(tables, 'table')} of snapshot ${snapshot}, at ${at}\n`,
        )
        return 0
      }),
    )
  return withLakeOptions(command)
}

/** `/mnt/lake`, `C:\lake`, `\\server\share`, `s3://bucket/lake`; without slashes at its end. */
function mountPoint(text: string): string {
  if (/^(?:\/|[A-Za-z]:[\\/]|\\\\[^\\]|[A-Za-z][A-Za-z0-9+.-]+:\/\/[^/])/.test(text)) return text.replace(/[\\/]+$/, '')
  throw new StokerError('USAGE_CATALOG_AT', `--at must be an absolute path or a URL, not "${text}"`, {
    hint: 'a relative path would mean another place in each folder that readers start in; write /mnt/lake or s3://bucket/lake',
  })
}

async function refuseOutput(lake: Lake, out: string, force: boolean): Promise<void> {
  if ([lake.catalog, lake.database].includes(out) || out.startsWith(`${lake.snapshots}${sep}`)) {
    throw new StokerError('USAGE_CATALOG_OUT', `${out} belongs to the lake itself`, {
      hint: 'name a file elsewhere with --out',
    })
  }
  if (force) return
  const isThere = await access(out).then(
    () => true,
    () => false,
  )
  if (!isThere) return
  throw new StokerError('USAGE_CATALOG_OUT', `${out} is there already`, {
    hint: 'name another file with --out, or replace it with --force',
  })
}
