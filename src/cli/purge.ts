/** `stoker purge`: takes a patient, a resource or a source out of the lake, every version, and proves it. */
import { Command } from 'commander'
import { createInterface } from 'node:readline/promises'
import { loadConfig, type Config } from '../app/config.ts'
import { lakeSources } from '../ledger/lake-sources.ts'
import { underLifecycle } from '../app/lifecycle.ts'
import { makeLog } from '../app/log.ts'
import { openWorker, type OpenWorker } from '../app/worker-context.ts'
import { StokerError } from '../core/errors.ts'
import { searchFiles } from '../warehouse/purge/bytes.ts'
import { countPurge, type Purged } from '../warehouse/purge/purge.ts'
import { openPurge, refuseOpenRun } from '../warehouse/purge/record.ts'
import { Lake } from '../warehouse/lake.ts'
import type { LeftSnapshots } from '../warehouse/purge/snapshots.ts'
import { subjectKey, type PurgeSubject } from '../warehouse/purge/subject.ts'
import { finishPurges, purgeInput, purgeLake } from '../worker/purge.ts'
import type { Action } from './action.ts'
import { EXIT } from './exit-code.ts'
import { jsonText } from './json-text.ts'
import { foundNothing, isClean, isReadNow, leftText, purgedText, REWRITTEN, selectedText } from './purge-text.ts'
import { purgeSubject, type SubjectOptions } from './purge-subject.ts'

interface PurgeOptions extends SubjectOptions {
  readonly config: string
  readonly keepSnapshots?: true
  readonly dryRun?: true
  readonly finish?: true
  readonly yes?: true
  readonly json?: true
}

export function purgeCommand(perform: (action: Action) => Promise<void>): Command {
  return new Command('purge')
    .description('remove every version of a patient, a resource or a source from the lake, and prove it')
    .option('--patient <key>', 'a patient and all that is theirs: SOURCE/ID')
    .option('--resource <key>', 'one resource: SOURCE/Type/ID')
    .option('--source <name>', 'one source whole: rows, raw log, watermarks; its runs stay in the ledger')
    .option('-c, --config <file>', 'the configuration', 'stoker.yaml')
    .option('--keep-snapshots', 'leave older snapshots, and tell which still have it')
    .option('--dry-run', 'count what would go, and change nothing')
    .option('--finish', 'finish a purge that was interrupted, and remove the snapshots that it had to leave')
    .option('--yes', 'do not ask')
    .option('--json', 'the result as JSON on standard output')
    .addHelpText(
      'after',
      `
Examples:
  stoker purge --patient hospital-a/4711 --dry-run
  stoker purge --patient hospital-a/4711
  stoker purge --resource hospital-a/Observation/9 --yes --json

SOURCE/ may be left out where the lake has one source. What is a patient's: the Patient, and every resource whose
subject, patient, beneficiary or individual it is, or was in any version. It goes from the raw log, the tables and their
past, the texts of rejects, and from every older snapshot, which goes whole.

While a worker runs it is refused, --dry-run too: counting needs the database. SIGTERM ends the worker within seconds,
and its next start goes on.

A snapshot that is being read stays until nobody does: then stoker purge --finish, or any other purge, removes it.

Delete it at the server first: what the server still has comes back with the next run that brings it. Backups, traces
and folders that stoker rebuild --as-of wrote are out of reach.`,
    )
    .action((options: PurgeOptions) => perform(() => purge(options)))
}

async function purge(options: PurgeOptions): Promise<number> {
  const config = await loadConfig(options.config)
  return underLifecycle(tellStopping, async (signal) => {
    const open = await atOpenLake(config, signal, ({ context }) => openPurge(context.ledger))
    const mayFinish = (open !== undefined || options.finish) && !options.dryRun
    const before = mayFinish ? await runPurge(config, signal, undefined, options) : NOTHING
    if (options.finish) return report(before, options)
    const subject = await atOpenLake(config, signal, async (worker) => {
      const chosen = purgeSubject(options, await lakeSources((sql) => worker.context.ledger.rows(sql)))
      await refuseOpenRun(worker.context.ledger, chosen.source)
      const selected = await countPurge(purgeInput(worker.context), chosen)
      if (options.dryRun && options.json) process.stdout.write(jsonText({ subject: subjectKey(chosen), ...selected }))
      else if (!options.json) process.stdout.write(selectedText(chosen, selected))
      return chosen
    })
    if (options.dryRun) return EXIT.done
    // The same command again after an interruption: it has just been done.
    if (before.purges.some((purged) => subjectKey(purged.subject) === subjectKey(subject)))
      return report(before, options)
    if (!options.yes) await confirm(subject, signal)
    const now = await runPurge(config, signal, subject, options)
    const removed = [...before.snapshots.removed, ...now.snapshots.removed]
    const snapshots = { removed, left: now.snapshots.left }
    return report({ ...before, purges: [...before.purges, ...now.purges], snapshots }, options)
  })
}

/** Each of its steps is done to its end; a second signal ends it at once, which is safe too. */
function tellStopping(signal: string): void {
  process.stderr.write(`\n${signal}: stopping; stoker purge --finish does what is left\n`)
}

interface Done {
  readonly purges: readonly Purged[]
  /** An interrupted purge that only the last step was left of. */
  readonly isRewritten: boolean
  /** What became of those that earlier purges had left. */
  readonly snapshots: LeftSnapshots
}

const NOTHING: Done = { purges: [], isRewritten: false, snapshots: { removed: [], left: [] } }

async function runPurge(
  config: Config,
  signal: AbortSignal,
  subject: PurgeSubject | undefined,
  { keepSnapshots = false }: { readonly keepSnapshots?: boolean },
): Promise<Done> {
  const { snapshots, purged } = await atOpenLake(config, signal, async ({ context }) => ({
    snapshots: await finishPurges(context),
    purged: await purgeLake(context, subject, { keepsSnapshots: keepSnapshots }),
  }))
  const isRewritten = purged === 'rewritten'
  if (purged === undefined || isRewritten) return { purges: [], isRewritten, snapshots }
  const files = await searchFiles(new Lake(config.lake), purged.subject, purged.needles)
  return { purges: [{ ...purged, places: [...purged.places, files] }], isRewritten, snapshots }
}

/** The lake is closed afterwards. */
async function atOpenLake<T>(
  config: Config,
  signal: AbortSignal,
  work: (worker: OpenWorker) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted()
  const worker = await openWorker(config, { log: makeLog('warn'), observe: () => undefined, signal })
  try {
    return await work(worker)
  } finally {
    await worker.close()
  }
}

async function confirm(subject: PurgeSubject, signal: AbortSignal): Promise<void> {
  const refused = (message: string) =>
    new StokerError('USAGE_UNCONFIRMED', message, { hint: 'nothing was changed; --yes answers beforehand' })
  if (!process.stdin.isTTY) throw refused('a purge is to be confirmed, and there is no terminal to ask on')
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await terminal.question(`This cannot be undone. Purge ${subjectKey(subject)}? Type yes: `, {
      signal,
    })
    if (answer.trim() !== 'yes') throw refused('not confirmed')
  } finally {
    terminal.close()
  }
}

function report({ purges, isRewritten, snapshots }: Done, { json }: { readonly json?: true }): number {
  if (json)
    process.stdout.write(jsonText(purges.map(({ subject, ...rest }) => ({ subject: subjectKey(subject), ...rest }))))
  else {
    const { removed, left } = snapshots
    const hasLeft = removed.length + left.length > 0 || (purges.length === 0 && !isRewritten)
    const before = [...(isRewritten ? [REWRITTEN] : []), ...(hasLeft ? [leftText(snapshots)] : [])]
    process.stdout.write([...before, ...purges.map(purgedText)].join('\n'))
  }
  // What an interrupted purge took may well have been this.
  if (!isRewritten && purges.some(foundNothing)) return EXIT.usage
  if (purges.every(isClean)) return snapshots.left.length === 0 ? EXIT.done : EXIT.retry
  return purges.every(isReadNow) ? EXIT.retry : EXIT.failed
}
