/** `stoker worker`: keeps all sources up to date by their schedules, until it is stopped. */
import { Command } from 'commander'
import { loadConfig } from '../app/config.ts'
import { findingText } from '../app/config-findings.ts'
import { machineMemoryBytes } from '../app/config-lake.ts'
import { listenForReload, underLifecycle } from '../app/lifecycle.ts'
import { makeLog } from '../app/log.ts'
import { STOKER_VERSION } from '../app/version.ts'
import { openWorker } from '../app/worker-context.ts'
import { systemClock } from '../core/clock.ts'
import { errorFacts } from '../service/error-facts.ts'
import { Service } from '../service/service.ts'
import { runTasks } from '../service/task-list.ts'
import type { Action } from './action.ts'
import { EXIT } from './exit-code.ts'
import { type LogOptions, withLogOptions } from './log-option.ts'
import { cohortsAfter, httpServer } from './worker-tasks.ts'

interface WorkerOptions extends LogOptions {
  readonly config: string
}

export function workerCommand(perform: (action: Action) => Promise<void>): Command {
  const command = new Command('worker')
    .description('keep all sources up to date by their schedules, until stopped')
    .option('-c, --config <file>', 'the configuration', 'stoker.yaml')
    .addHelpText(
      'after',
      `
Examples:
  stoker worker --config /etc/stoker.yaml            in a container, or under systemd
  stoker worker --log-format pretty                  at a desk
  kill -HUP PID                                      read the configuration again; refused whole, with the reason, if it is wrong
  kill -TERM PID                                     stop, within seconds; the next start goes on from there

A source without a schedule runs when it is asked for. At a start, runs that were interrupted are gone on with, and
scheduled times that were missed are caught up on once. A source that fails is tried again after 15 seconds, then less
and less often, and does not hold up the others. What a reload can not change (lake, views, memoryLimit, threads,
deletions, http, query, cohorts, reports) it names.

A worker that was stopped ends with 143 (SIGTERM) or 130 (SIGINT), as all commands do; for systemd: SuccessExitStatus=143.`,
    )
    .action((options: WorkerOptions) => perform(() => work(options)))
  return withLogOptions(command, 'info')
}

async function work({ config: path, logLevel, logFormat }: WorkerOptions): Promise<number> {
  const reloads = listenForReload()
  const log = makeLog(logLevel, logFormat)
  try {
    const config = await loadConfig(path)
    for (const warning of config.warnings) log.warn({ warning: findingText(warning) }, 'configuration')
    const onStop = (signal: string) => log.info({ signal }, 'stopping: the next start goes on from here')
    return await underLifecycle(onStop, async (signal) => {
      const open = await openWorker(config, { log, observe: () => undefined, signal })
      try {
        const service = new Service({
          ...{ open, config, log, clock: systemClock, random: Math.random, machineBytes: machineMemoryBytes() },
          load: () => loadConfig(path),
          afterSnapshot: [cohortsAfter(open, config, log) ?? []].flat(),
        })
        const beside = [httpServer(service, open, config, log) ?? []].flat()
        reloads.answer(() => void service.reload())
        if (beside.length === 0 && config.sources.every(({ schedule }) => schedule === undefined)) {
          log.warn({}, 'no source has a schedule, and nothing else can ask for runs: give a source a schedule (cron)')
        }
        const { lake, file } = config
        log.info({ version: STOKER_VERSION, pid: process.pid, lake, config: file }, 'worker started')
        await runTasks([service, service.pulse, ...beside], signal)
      } catch (error) {
        log.error(errorFacts(error), 'worker ends')
        throw error
      } finally {
        await open.close()
        log.info({}, 'worker stopped')
      }
      return EXIT.done
    })
  } finally {
    reloads.dispose()
  }
}
