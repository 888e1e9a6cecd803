/** `stoker demo`: the main job once, from a built-in server to an answered question, with nothing else needed. */
import { Command } from 'commander'
import { access, rm } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { loadConfig } from '../app/config.ts'
import { underLifecycle } from '../app/lifecycle.ts'
import { makeLog } from '../app/log.ts'
import { openWorker } from '../app/worker-context.ts'
import { makeFolder, writeWhole } from '../core/durable.ts'
import { StokerError } from '../core/errors.ts'
import { demoKeyPair } from '../demo/demo-key-pair.ts'
import { startDemoServer, type DemoServer } from '../demo/server.ts'
import { SnapshotReader } from '../warehouse/reading/reader.ts'
import { syncSources } from '../worker/sync.ts'
import { wholeNumber } from './arguments.ts'
import { EXIT } from './exit-code.ts'
import { countText, plural } from '../core/figures.ts'
import type { Action } from './action.ts'
import { plainProgress } from './plain-progress.ts'
import { writeResult } from './query-output.ts'
import { outcomeTable } from './summary.ts'

interface DemoOptions {
  readonly patients: number
  readonly seed: number
  readonly folder: string
}

export function demoCommand(perform: (action: Action) => Promise<void>): Command {
  return new Command('demo')
    .description('see it work: sync a built-in server of synthetic patients twice, and ask a question')
    .option('--patients <n>', 'synthetic patients', wholeNumber(1, 100_000), 200)
    .option('--seed <n>', 'the same seed gives the same patients', wholeNumber(0, 2 ** 31), 1)
    .option('--folder <folder>', 'where it keeps its configuration and its lake; emptied first', 'stoker-demo')
    .addHelpText(
      'after',
      `
Examples:
  stoker demo
  stoker demo --patients 2000
  stoker query --config stoker-demo/stoker.yaml "SHOW TABLES"      afterwards`,
    )
    .action((options: DemoOptions) =>
      perform(() =>
        underLifecycle(
          () => undefined,
          (signal) => demo(options, signal),
        ),
      ),
    )
}

/** Patients with diabetes whose last HbA1c is above 9 %: a measure of poor control (NQF 0059, CMS122). */
const COHORT = `
SELECT p.gender, count(*) AS patients, round(avg(l.value_quantity), 1) AS mean_hba1c
FROM patient AS p
JOIN (
  SELECT patient_key, value_quantity FROM observation WHERE code = '4548-4'
  QUALIFY row_number() OVER (PARTITION BY patient_key ORDER BY effective_datetime DESC) = 1
) AS l ON l.patient_key = p._resource_key
WHERE l.value_quantity > 9 AND p._resource_key IN (
  SELECT patient_key FROM condition WHERE code IN ('44054006', '46635009') AND clinical_status = 'active')
GROUP BY ALL ORDER BY ALL`.trim()

async function demo(options: DemoOptions, signal: AbortSignal): Promise<number> {
  const folder = resolve(options.folder)
  await emptyDemoFolder(folder)
  const say = (text: string) => process.stdout.write(`${text}\n`)
  const keys = await demoKeyPair()
  const server = await startDemoServer({ patients: options.patients, seed: options.seed, auth: keys })
  try {
    const resources = Object.values(server.store.counts()).reduce((sum, count) => sum + count, 0)
    say(
      `A Bulk Data server with ${countText(options.patients)} synthetic patients, ${plural(resources, 'resource')}, listens on ${server.baseUrl}`,
    )
    const file = await writeDemoConfig(folder, server, JSON.stringify(keys.privateJwk))
    const worker = await openWorker(await loadConfig(file, {}), {
      log: makeLog('warn'),
      observe: plainProgress((text) => process.stdout.write(`  ${text}`), Date.now),
      signal,
    })
    const { context, sources } = worker
    try {
      say('\n1. First sync: everything.')
      say(outcomeTable(await sync(), context.views))
      const change = await server.change({ percent: 1 })
      say(
        `2. The server changes: ${plural(change.created.length, 'resource')} created, ${countText(change.updated.length)} updated, ${countText(change.deleted.length)} deleted.`,
      )
      say('   Second sync: only what changed.')
      say(outcomeTable(await sync(), context.views))
    } finally {
      await worker.close()
    }
    say('3. A question: patients with diabetes whose last HbA1c was above 9 %.')
    say(COHORT.replaceAll(/^/gm, '   '))
    const reader = await SnapshotReader.open(context.lake, context.memoryLimitBytes)
    try {
      await writeResult(await reader.query(COHORT), 'table', process.stdout)
    } finally {
      await reader.close()
    }
    say(`\nDuckDB catalog  ${context.lake.catalog}`)
    say(`Parquet files   ${context.lake.snapshots}/`)
    say(`Configuration   ${file}`)
    say(`\nAsk more:       npx stoker query --config ${relative('.', file)} "SHOW TABLES"`)
    say(`See the page:   npx stoker worker --config ${relative('.', file)}    then http://127.0.0.1:8650`)
    return EXIT.done

    async function sync() {
      const [result] = await syncSources(context, sources, false)
      if (result === undefined || 'error' in result) throw result?.error
      return result.outcome
    }
  } finally {
    await server.stop()
  }
}

const MARK = '.stoker-demo'

/** Only a folder that an earlier demo made is emptied. */
async function emptyDemoFolder(folder: string): Promise<void> {
  const exists = (path: string) =>
    access(path).then(
      () => true,
      () => false,
    )
  if ((await exists(folder)) && !(await exists(join(folder, MARK)))) {
    throw new StokerError('USAGE_DEMO_FOLDER', `${folder} is there already, and no demo made it`, {
      hint: 'name another folder with --folder, or move this one away',
    })
  }
  await rm(folder, { recursive: true, force: true })
  await makeFolder(folder)
  await writeWhole(join(folder, MARK), 'Made by stoker demo, which empties this folder when it runs again.\n')
}

async function writeDemoConfig(folder: string, server: DemoServer, key: string): Promise<string> {
  const file = join(folder, 'stoker.yaml')
  await writeWhole(join(folder, 'key.jwk'), key)
  await writeWhole(
    file,
    `# Of the demo: its server listens only while the demo runs; query and status work at any time.
lake: lake
sources:
  - name: demo
    baseUrl: ${server.baseUrl}
    level: system
    auth:
      kind: private-key-jwt
      clientId: stoker-demo
      keyFile: key.jwk
`,
  )
  return file
}
