/** `stoker views docs`: a data dictionary of tables and columns, as Markdown or JSON. */
import { Command } from 'commander'
import { writeFile } from 'node:fs/promises'
import { columnSources } from '../views/column-sources.ts'
import type { Action } from './action.ts'
import { plural } from '../core/figures.ts'
import { openViews, type OpenedView } from './view-files.ts'

interface TableEntry {
  readonly name: string
  readonly resource: string
  readonly fhirVersion: string
  readonly description: string | undefined
  readonly columns: readonly ColumnEntry[]
}

interface ColumnEntry {
  readonly name: string
  readonly type: string
  readonly fhirType: string
  /** The ways to its value: steps to the row, then the column's FHIRPath. */
  readonly sources: readonly string[]
  readonly description: string | undefined
}

export function viewsDocsCommand(perform: (action: Action) => Promise<void>): Command {
  return new Command('docs')
    .description('write a data dictionary: every table and column, with type, source and description')
    .argument('[path...]', 'files and folders; the views that come with Stoker when none is given')
    .option('-o, --out <file>', 'where it goes instead of the standard output')
    .option('--json', 'as JSON instead of Markdown')
    .addHelpText(
      'after',
      `
Examples:
  stoker views docs > dictionary.md
  stoker views docs my-views --out dictionary.md
  stoker views docs my-views --json`,
    )
    .action((paths: string[], { out, json }: { out?: string; json?: true }) =>
      perform(async () => {
        const tables = (await openViews(paths)).map(tableEntry)
        const text = json ? `${JSON.stringify(tables, null, 2)}\n` : markdown(tables)
        if (out === undefined) process.stdout.write(text)
        else await writeFile(out, text)
        return 0
      }),
    )
}

function tableEntry({ view, definition }: OpenedView): TableEntry {
  const sources = columnSources(definition)
  return {
    name: view.name,
    resource: view.resource,
    fhirVersion: view.fhirVersion,
    description: view.description,
    columns: view.columns.map(({ name, type, fhirType, description }) => ({
      name,
      type,
      fhirType,
      sources: sources.get(name) ?? [],
      description,
    })),
  }
}

function markdown(tables: readonly TableEntry[]): string {
  const contents = tables.map(({ name, description }) => `- [${name}](#${name}): ${firstSentence(description)}`)
  return [
    '# Data dictionary',
    '',
    `${plural(tables.length, 'table')}. In a warehouse every row begins with \`_source\`, \`_resource_key\`, \`_last_updated\`, \`_run\`,`,
    '`_file` and `_line`: where it came from.',
    '',
    ...contents,
    '',
    ...tables.flatMap(tableText),
  ].join('\n')
}

function tableText({ name, resource, fhirVersion, description, columns }: TableEntry): string[] {
  return [
    `## ${name}`,
    '',
    `${description ?? ''} From ${resource} (FHIR ${fhirVersion}).`.trim(),
    '',
    '| column | type | FHIR type | source | what it is |',
    '|---|---|---|---|---|',
    ...columns.map(
      (column) =>
        `| \`${column.name}\` | ${column.type} | ${column.fhirType} | \`${cell(sourceText(column.sources))}\` | ${cell(column.description ?? '')} |`,
    ),
    '',
  ]
}

/** Of many branches, the first. */
function sourceText(sources: readonly string[]): string {
  return sources.length > 2 ? `${sources[0]}; and ${sources.length - 1} more` : sources.join('; ')
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}

function firstSentence(text: string | undefined): string {
  return /^.*?\.(?=\s|$)/.exec(text ?? '')?.[0] ?? text ?? ''
}
