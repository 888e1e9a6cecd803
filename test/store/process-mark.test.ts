import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { fateOf, fateOfText, isMark, markText, ownMark } from '../../src/store/process-mark.ts'

const own = ownMark()
const { pid: ended } = spawnSync(process.execPath, ['--version'])

describe('the fate of a process', () => {
  const knowsBeginnings = own.began !== null
  test.each([
    ['this one lives', own, 'lives'],
    ['the first of all lives, whoever asks', { ...own, pid: 1, began: null }, 'lives'],
    ['one that ended is gone', { ...own, pid: ended }, 'gone'],
    ['one whose number was given again is gone', { ...own, began: '1' }, knowsBeginnings ? 'gone' : 'lives'],
    ['one of another host is elsewhere', { ...own, host: 'elsewhere' }, 'elsewhere'],
    ['one of another container of this host name is elsewhere', { ...own, pidNamespace: 'pid:[1]' }, 'elsewhere'],
  ] as const)('%s', (_name, mark, fate) => {
    expect(fateOf(mark)).toBe(fate)
    expect(fateOfText(`${markText(mark)}-x7`)).toBe(fate)
  })

  test('is not told by a name without a mark', () => {
    for (const name of ['', '7-1-1', 'query-7', `${markText(own)}0`]) expect(fateOfText(name)).toBeUndefined()
  })
})

test.skipIf(own.began === null)(
  'one that was killed is gone, also while its parent does not ask after it',
  async () => {
    // The shell tells its child's number, and becomes a program that asks after nobody.
    const parent = spawn('sh', ['-c', 'sleep 600 & echo $!; exec sleep 600'], { stdio: ['ignore', 'pipe', 'ignore'] })
    onTestFinished(() => void parent.kill())
    const [told] = (await once(parent.stdout, 'data')) as [Buffer]
    const pid = Number(told.toString())
    expect(fateOf({ ...own, pid, began: null })).toBe('lives')
    process.kill(pid, 'SIGKILL')
    await vi.waitFor(() => expect(readFileSync(`/proc/${pid}/stat`, 'utf8')).toContain(') Z '))
    expect(fateOf({ ...own, pid, began: null })).toBe('gone')
  },
)

test('what was written by hand or half is no mark', () => {
  expect(isMark(own)).toBe(true)
  for (const part of [{ pid: 0 }, { pid: undefined }, { host: 1 }, { pidNamespace: null }, { began: undefined }])
    expect(isMark({ ...own, ...part } as Partial<typeof own>)).toBe(false)
})
