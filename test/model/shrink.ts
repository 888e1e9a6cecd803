/** A history that fails, made shorter while it still fails. */
import { isSync, type History, type Step } from './history.ts'

/** @param untilMs by the process's clock; what is found by then is what there is */
export async function shrink(
  history: History,
  fails: (candidate: History) => Promise<boolean>,
  untilMs: number,
): Promise<History> {
  let best = history
  const isOver = () => performance.now() > untilMs
  const attempt = async (steps: readonly Step[]) => {
    const candidate = { ...best, steps }
    if (isOver() || !(await fails(candidate))) return false
    best = candidate
    return true
  }
  for (
    let size = Math.ceil(best.steps.length / 2);
    size >= 1 && !isOver();
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let at = best.steps.length - 1; at >= 0 && !isOver(); at -= size) {
      const from = Math.max(0, at - size + 1)
      await attempt([...best.steps.slice(0, from), ...best.steps.slice(at + 1)])
    }
  }
  for (let at = 0; at < best.steps.length && !isOver(); at += 1) {
    for (const simpler of simplerThan(best.steps[at]!)) await attempt(best.steps.with(at, simpler))
  }
  return best
}

function* simplerThan(step: Step): Generator<Step> {
  if (!isSync(step)) return
  if (step.kill !== undefined) yield { ...step, kill: undefined }
  if (step.fault !== undefined) yield { ...step, fault: undefined }
  if (step.meanwhile.length > 0) yield { ...step, meanwhile: [] }
  if (step.full) yield { ...step, full: false }
}
