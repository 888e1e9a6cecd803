/** Field notes on a vendor's API that has Group exports only, each as a test. */
import { expect, test } from 'vitest'
import type { CheckLine } from '../../src/bulk/check/line.ts'
import { demoKeyPair } from '../../src/demo/demo-key-pair.ts'
import { failureOf } from './client-fixture.ts'
import { fieldServer } from './field-fixture.ts'

const never = new AbortController().signal
const GROUP = { level: { kind: 'group', id: 'everyone' }, types: ['Patient'] } as const

test('The vendor with Groups only: an OperationOutcome of application/json is read, at kick-off and of a failed export', async () => {
  const { client, wait, behave } = await fieldServer('group-only', { pollsBeforeDone: 0 })
  const unknown = await failureOf(client.kickOff({ ...GROUP, level: { kind: 'group', id: 'nobody' } }, never))
  expect(unknown.message).toContain('not-found: There is no Group/nobody.')
  behave({ exportFailure: { status: 500, form: 'outcome' } })
  const failed = await failureOf(wait((await client.kickOff(GROUP, never)).statusUrl))
  expect(failed.code).toBe('BULK_EXPORT_FAILED')
  expect(failed.message).toContain('exception: The export has failed')
})

test('The vendor with Groups only: a poll that fails in passing says so in application/json, and is borne', async () => {
  const { client, wait, statuses } = await fieldServer('group-only', { transientPolls: 9, pollsBeforeDone: 0 })
  await wait((await client.kickOff(GROUP, never)).statusUrl)
  expect(statuses.filter((status) => status === 500).length).toBe(9)
})

test('The vendor with Groups only: a check of a Group that is there finds nothing wrong, and of another says so', async () => {
  const keys = await demoKeyPair()
  const keyText = JSON.stringify(keys.privateJwk)
  const auth = { kind: 'private-key-jwt', clientId: keys.clientId, keyText, scope: 'system/*.read' } as const
  const { client } = await fieldServer('group-only', {}, { auth }, keys)
  const checked = async (id: string) => {
    const lines: CheckLine[] = []
    const request = { ...GROUP, level: { kind: 'group', id } } as const
    const asked = { request, auth, manifestUrl: undefined, tryExport: false }
    for await (const line of client.check(asked, never)) lines.push(line)
    return lines
      .filter(({ verdict }) => verdict !== 'ok')
      .map(({ step, verdict, text }) => `${step} ${verdict}: ${text}`)
  }
  expect(await checked('everyone')).toEqual([])
  expect(await checked('nobody')).toEqual(['group failed: there is no Group/nobody (404)'])
})
