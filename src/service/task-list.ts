/** Tasks that make up a process: begun together, ended in their order. */
import type { Task } from '../core/task.ts'

/**
 * Runs all of them until `signal` aborts, or one of them ends: then all are stopped, in the order of the list.
 * @throws what the first task that failed threw, when all have ended
 */
export async function runTasks(tasks: readonly Task[], signal: AbortSignal): Promise<void> {
  const errors: unknown[] = []
  const asked = new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
  const running = tasks.map(async (task) => task.run().catch((error: unknown) => void errors.push(error)))
  await Promise.race([asked, ...running])
  for (const task of tasks) await task.stop().catch((error: unknown) => void errors.push(error))
  await Promise.all(running)
  if (errors.length > 0) throw errors[0]
}
