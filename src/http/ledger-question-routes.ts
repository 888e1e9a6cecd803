/** POST /api/ledger: one named question to the ledger, for the command line beside a worker. */
import { Hono } from 'hono'
import type { HttpDeps, HttpEnv } from './deps.ts'
import { signedInOnly } from './guard.ts'
import { jsonAnswer } from './json-answer.ts'
import { ledgerQuestions, type LedgerQuestions } from './ledger-question.ts'
import { badRequest, onlyParameters } from './parameters.ts'
import { bodyObject } from './request-body.ts'

/** What may be said with a question. */
type Check = (value: unknown) => boolean
type Checks = Readonly<Record<string, Check>>

const text: Check = (value) => typeof value === 'string' && value.length <= 1_000
const texts: Check = (value) => Array.isArray(value) && value.length <= 1_000 && value.every(text)
const flag: Check = (value) => typeof value === 'boolean'
const number: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) < 2 ** 31
const limit: Check = (value) => number(value) && Number(value) >= 1 && Number(value) <= 100_000

const KEY = { source: text, type: text, id: text }

const QUESTIONS: { readonly [Q in keyof LedgerQuestions]: { readonly needs?: Checks; readonly may?: Checks } } = {
  sources: {},
  overview: {},
  purges: {},
  runs: { needs: { limit }, may: { sources: texts, run: number, failed: flag } },
  run: { needs: { run: number } },
  lastRun: {},
  snapshots: { needs: { limit } },
  tables: {},
  sourcesOf: { needs: { table: text, type: text, id: text } },
  versions: { needs: { table: text, ...KEY } },
  rows: { needs: { table: text, ...KEY } },
  rawPath: { needs: { file: number } },
  cohorts: {},
  cohortRuns: { needs: { cohort: text, limit } },
  cohortAsOf: { needs: { cohort: text }, may: { snapshot: number } },
  cohortMembers: { needs: { cohort: text, ran: number, limit }, may: { after: text } },
  cohortDiff: { needs: { cohort: text, from: number, to: number } },
  cohortMoved: { needs: { cohort: text, from: number, to: number, limit }, may: { after: text } },
}

export function ledgerQuestionRoutes({ ask }: HttpDeps): Hono<HttpEnv> {
  const questions = ledgerQuestions(ask)
  const app = new Hono<HttpEnv>()
  app.post('/api/ledger', signedInOnly, async (c) => {
    onlyParameters(c)
    const { question, ...said } = await bodyObject(c, ['question', ...FIELDS])
    if (typeof question !== 'string' || !isQuestion(question))
      throw badRequest('there is no such question', `there is: ${Object.keys(QUESTIONS).join(', ')}`)
    const { needs = {}, may = {} } = QUESTIONS[question]
    for (const name of Object.keys({ ...needs, ...said })) {
      const check = needs[name] ?? may[name]
      if (check === undefined) throw badRequest(`${question} is not asked with ${name}`, `leave ${name} out`)
      if (!check(said[name])) throw badRequest(`${name} is missing or no fitting value`, `check ${name}`)
    }
    const asked = questions[question] as (said: object) => Promise<unknown>
    return jsonAnswer(c, { answer: await asked(said) })
  })
  return app
}

const FIELDS = [...new Set(Object.values(QUESTIONS).flatMap(({ needs, may }) => Object.keys({ ...needs, ...may })))]

function isQuestion(name: string): name is keyof LedgerQuestions {
  return Object.hasOwn(QUESTIONS, name)
}
