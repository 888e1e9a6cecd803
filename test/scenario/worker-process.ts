/** `stoker worker` as a process of its own, and its log as it comes. */
import type { ChildProcess } from 'node:child_process'
import { ended, type Ended, type Scenario } from './harness.ts'

export type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string; readonly level: number }

export class WorkerProcess {
  readonly lines: LogLine[] = []
  readonly ended: Promise<Ended>
  readonly child: ChildProcess
  private readonly waiting = new Set<() => void>()

  constructor(scenario: Scenario, ...words: string[]) {
    this.child = scenario.spawn('worker', ...words)
    this.ended = ended(this.child)
    let rest = ''
    this.child.stderr!.on('data', (text: string) => {
      const lines = `${rest}${text}`.split('\n')
      rest = lines.pop()!
      this.lines.push(...lines.map(lineOf))
      for (const look of this.waiting) look()
    })
  }

  /** The first line, of those that came and of those that come, that has all of this; rejects when the process ends without. */
  line(msg: string, facts: Record<string, unknown> = {}, place = 0): Promise<LogLine> {
    const isMeant = (line: LogLine) =>
      line.msg === msg && Object.entries(facts).every(([key, value]) => line[key] === value)
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = this.lines.filter(isMeant)[place]
        if (found === undefined) return
        this.waiting.delete(look)
        resolve(found)
      }
      this.waiting.add(look)
      look()
      const missing = ({ stderr }: Ended) => reject(new Error(`it ended without "${msg}":\n${stderr}`))
      void this.ended.then(missing, reject)
    })
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name)
  }

  /** @returns its exit code */
  async stop(): Promise<number | null> {
    this.signal('SIGTERM')
    return (await this.ended).code
  }
}

function lineOf(text: string): LogLine {
  return text.startsWith('{') ? (JSON.parse(text) as LogLine) : { msg: text, level: 0 }
}
