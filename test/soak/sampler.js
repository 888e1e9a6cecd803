/** What a process takes while it lives (Linux: /proc), what lies in its lake, and whether its API answers. */
import { readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export class Sampler {
  #samples = []
  #api = { asked: 0, failed: 0, slowestMs: 0 }
  #stopping = new AbortController()
  #running

  constructor(pid, lake, everyMs) {
    this.#running = this.#run(pid, lake, everyMs)
  }

  async stop() {
    this.#stopping.abort()
    await this.#running
  }

  /** Of each measure the median of the first and the last quarter of the samples, after a warm-up of a tenth, and the peak. */
  figures() {
    const samples = this.#samples.slice(Math.ceil(this.#samples.length / 10))
    const quarter = Math.ceil(samples.length / 4)
    const of = (key) => {
      const numbers = samples.map((sample) => sample[key])
      const peak = Math.max(...numbers)
      return { early: median(numbers.slice(0, quarter)), late: median(numbers.slice(-quarter)), peak }
    }
    const [rssMB, handles, sockets, files] = ['rssMB', 'handles', 'sockets', 'files'].map(of)
    return { count: samples.length, rssMB, handles, sockets, files, api: this.#api.asked > 0 ? this.#api : 'none' }
  }

  async #run(pid, lake, everyMs) {
    const { signal } = this.#stopping
    for (;;) {
      await sleep(everyMs, undefined, { signal }).catch(() => undefined)
      if (signal.aborted) return
      // It may end, and files may go, while they are looked at.
      const sample = await look(pid, lake).catch(() => undefined)
      if (sample !== undefined) this.#samples.push(sample)
      await this.#ask(lake)
    }
  }

  async #ask(lake) {
    const http = await readFile(join(lake, 'http.json'), 'utf8').catch(() => undefined)
    if (http === undefined) return
    const { url } = JSON.parse(http)
    for (const path of ['healthz', 'metrics']) {
      const at = Date.now()
      this.#api.asked += 1
      try {
        const answer = await fetch(new URL(path, url), { signal: AbortSignal.timeout(10_000) })
        await answer.text()
        if (!answer.ok) this.#api.failed += 1
      } catch {
        this.#api.failed += 1
      }
      this.#api.slowestMs = Math.max(this.#api.slowestMs, Date.now() - at)
    }
  }
}

async function look(pid, lake) {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const kB = Number(/^VmRSS:\s+(\d+)/m.exec(status)[1])
  const handles = await readdir(`/proc/${pid}/fd`)
  const targets = await Promise.all(handles.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')))
  const files = (await readdir(lake, { recursive: true })).length
  const sockets = targets.filter((target) => target.startsWith('socket:')).length
  return { rssMB: Math.round(kB / 1000), handles: handles.length, sockets, files }
}

function median(numbers) {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)]
}
