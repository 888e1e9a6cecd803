/** JSON for programs. */
import { expect, test } from 'vitest'
import { jsonText } from '../../src/cli/json-text.ts'

test('keys are snake_case at any depth; names of types, texts and times stay as they are', () => {
  const at = new Date(0)
  const value = { filesBefore: 1, list: [{ endedAt: at, code: 'runAll' }], resources: { MedicationRequest: 2 } }
  expect(JSON.parse(jsonText(value))).toEqual({
    files_before: 1,
    list: [{ ended_at: at.toISOString(), code: 'runAll' }],
    resources: { MedicationRequest: 2 },
  })
})
