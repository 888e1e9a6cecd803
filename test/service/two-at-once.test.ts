import { expect, onTestFinished, test, vi } from 'vitest'
import { startDemoServer, type DemoServer } from '../../src/demo/server.ts'
import { readDuckDb } from '../scenario/harness.ts'
import { OpenService, WAIT_MS } from './open-service.ts'

const NAMES = ['a', 'b', 'c'] as const
const ROUNDS = 3

async function server(seed: number): Promise<DemoServer> {
  const made = await startDemoServer({ patients: 6, seed, behaviour: { pollsBeforeDone: 0 } })
  onTestFinished(() => made.stop())
  return made
}

test('several sources gather at once and commit one after the other: every snapshot is whole, and every run is in it', async () => {
  const servers = await Promise.all(NAMES.map((_name, i) => server(i + 1)))
  const sources = NAMES.map((name, i) => {
    const { baseUrl } = servers[i]!
    return `  - {name: ${name}, baseUrl: '${baseUrl}', level: system, auth: {kind: none}, types: [Patient, Condition]}`
  })
  const yaml = `worker: {sourcesAtOnce: 3}\nsnapshots: {keep: 99}\nsources:\n${sources.join('\n')}`
  const made = await OpenService.start(yaml, { views: ['patient', 'condition'] })
  const { service } = made
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [i, each] of servers.entries()) await each.change({ percent: 20, seed: round * 10 + i })
    for (const name of NAMES) expect(service.trigger(name, { full: round === 1 })).toBe('queued')
    let atOnce = 0
    const leave = service.subscribe(() => {
      atOnce = Math.max(atOnce, service.sources().filter(({ activity }) => activity === 'running').length)
    })
    await vi.waitFor(
      () => expect([atOnce, ...service.sources().map(({ activity }) => activity)]).toEqual([3, 'idle', 'idle', 'idle']),
      WAIT_MS,
    )
    leave()
  }
  expect(service.sources().flatMap(({ error }) => error ?? [])).toEqual([])
  expect(made.lines.filter(({ level }) => level === 'error')).toEqual([])

  // The merges and publishings of one run lie between no two of another's.
  const writing = made.events
    .flatMap((event) => (event.kind === 'run' ? [event.event] : []))
    .filter(({ kind }) => ['merging', 'committed', 'publishing', 'published'].includes(kind))
  const spells = writing.map(({ run }) => run).filter((run, i, all) => run !== all[i - 1])
  expect(spells).toHaveLength(NAMES.length * ROUNDS)

  const rows = <T extends object>(sql: string) => made.open.context.ledger.rows<T>(sql)
  const runs = await rows<{ state: string; commit_number: number }>('FROM stoker.run ORDER BY commit_number')
  expect(runs.map(({ state, commit_number }) => [state, commit_number])).toEqual(runs.map((_run, i) => ['done', i + 1]))
  const snapshots = await rows<{ snapshot: number; commit_number: number }>(
    'SELECT snapshot, commit_number FROM stoker.snapshot JOIN stoker.run USING (run) ORDER BY snapshot',
  )
  // Snapshot n is of the nth commit, and has no row of a later one.
  expect(snapshots).toEqual(runs.map(({ commit_number }) => ({ snapshot: commit_number, commit_number })))
  for (const { snapshot } of snapshots) {
    const later = await rows<{ count: number }>(
      `SELECT count(*) AS count FROM read_parquet('${made.open.context.lake.snapshot(snapshot)}/*/*.parquet', union_by_name = true) AS t
       JOIN stoker.run AS r ON r.run = t._run WHERE r.commit_number > ${snapshot}`,
    )
    expect(later, `snapshot ${snapshot}`).toEqual([{ count: 0 }])
  }
  for (const [i, name] of NAMES.entries()) {
    const [{ count }] = (await readDuckDb(
      made.open.context.lake.catalog,
      `SELECT count(*)::INTEGER AS count FROM patient WHERE _source = '${name}'`,
    )) as [{ count: number }]
    expect(count).toBe(servers[i]!.store.counts().Patient)
  }
}, 120_000)
