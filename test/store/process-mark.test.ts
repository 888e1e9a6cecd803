import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
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

test('what was written by hand or half is no mark', () => {
  expect(isMark(own)).toBe(true)
  for (const part of [{ pid: 0 }, { pid: undefined }, { host: 1 }, { pidNamespace: null }, { began: undefined }])
    expect(isMark({ ...own, ...part } as Partial<typeof own>)).toBe(false)
})
