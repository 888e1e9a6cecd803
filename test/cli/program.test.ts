/** What the command line says of itself. */
import { expect, test } from 'vitest'
import { stoker, stokerProcess } from './command.ts'

test.each([
  [['sync', '--fulll'], 'stoker sync --help'],
  [['cancel'], 'stoker cancel --help'],
  [['views', 'compile'], 'stoker views compile --help'],
  [['no-such'], 'stoker --help'],
])('a mistake in %j is told with the help that tells more: %s', async (words, help) => {
  const { code, stdout, stderr } = await stokerProcess(...words)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toContain(`(${help} tells more)\n`)
})

test('the help of the program names every command, wherever it is asked for', async () => {
  const { stdout } = await stoker('--help')
  expect(stdout).toMatch(/^ {2}sync .*$[^]*^ {2}purge .*$/m)
  expect((await stoker('--help', 'sync')).stdout).toBe(stdout)
})
