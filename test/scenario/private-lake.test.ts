import { spawnSync } from 'node:child_process'
import { chmod, readdir } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { ended, Scenario } from './harness.ts'

const NOBODY = 65534

/** Paths within the lake of the files that another user can read, knowing them all by name. */
async function readByOthers(lake: string): Promise<string[]> {
  const entries = await readdir(lake, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const script = `
    const { readFileSync } = require('node:fs')
    const isOpen = (path) => { try { return readFileSync(path).length >= 0 } catch { return false } }
    process.stdout.write(JSON.stringify(process.argv.slice(1).filter(isOpen)))`
  const options = { uid: NOBODY, gid: NOBODY, encoding: 'utf8', cwd: '/' } as const
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', script, ...paths], options)
  if (stdout === '') throw new Error(stderr)
  expect(paths.map((path) => relative(lake, path))).toContain('warehouse.duckdb.wal')
  return (JSON.parse(stdout) as string[]).map((path) => relative(lake, path))
}

test('while a sync runs, and after it was killed, others read what is published and nothing else', async ({ skip }) => {
  if (process.getuid?.() !== 0) skip('only root can start a process of another user')
  const umask = process.umask(0o022)
  onTestFinished(() => void process.umask(umask))
  const scenario = await Scenario.start(
    { patients: 2, views: ['patient'] },
    '    types: [Patient]\nreaders: everyone\n',
  )
  onTestFinished(() => scenario.stop())
  await chmod(scenario.folder, 0o711)
  expect((await scenario.run('sync')).code).toBe(0)
  // A server that is never done from here on: its export is waited for as long as the test wants.
  scenario.server.behaviour = { ...scenario.server.behaviour, pollsBeforeDone: 100_000 }
  const worker = scenario.spawn('sync')
  const workerEnded = ended(worker)
  await new Promise<void>((resolve) => {
    worker.stderr!.on('data', (text: Buffer) => (String(text).includes(': asked for') ? resolve() : undefined))
  })
  const isPublished = (path: string) => path === 'catalog.duckdb' || path.startsWith(`snapshots${sep}`)
  const during = await readByOthers(scenario.lake)
  expect([during.filter((path) => !isPublished(path)), during.includes('catalog.duckdb')]).toEqual([[], true])
  worker.kill('SIGKILL')
  await workerEnded
  expect(await readByOthers(scenario.lake)).toEqual(during)
})
