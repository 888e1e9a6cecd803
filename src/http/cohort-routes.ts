/** Cohorts: their definitions and sizes, for everybody; who is in them, for who has the token. */
import { Hono } from 'hono'
import type { CohortDesk, CohortShown } from './cohort-desk.ts'
import type { HttpDeps, HttpEnv } from './deps.ts'
import { signedInOnly } from './guard.ts'
import { jsonAnswer } from './json-answer.ts'
import { onlyParameters, wholeParameter } from './parameters.ts'
import { Refused } from './refused.ts'
import { bodyObject } from './request-body.ts'

const LIMIT = { min: 1, max: 100_000, or: 1_000 }
const SNAPSHOT = { min: 1, max: 2 ** 31 - 1 }

export function cohortRoutes({ cohorts }: HttpDeps): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>()
  const found = async (name: string): Promise<{ readonly desk: CohortDesk; readonly shown: CohortShown }> => {
    const shown = await cohorts?.show(name)
    if (cohorts !== undefined && shown !== undefined) return { desk: cohorts, shown }
    const all = ((await cohorts?.list()) ?? []).map(({ cohort }) => cohort)
    throw new Refused(404, 'COHORT_UNKNOWN', 'there is no such cohort', {
      hint: all.length === 0 ? 'cohorts in the configuration names folders of them' : `there is: ${all.join(', ')}`,
    })
  }
  app.get('/api/cohorts', async (c) => {
    onlyParameters(c)
    return jsonAnswer(c, { cohorts: (await cohorts?.list()) ?? [] })
  })
  app.get('/api/cohorts/:name', async (c) => {
    onlyParameters(c)
    return jsonAnswer(c, (await found(c.req.param('name'))).shown)
  })
  app.get('/api/cohorts/:name/members', signedInOnly, async (c) => {
    onlyParameters(c, 'limit', 'snapshot', 'after')
    const name = c.req.param('name')
    const asked = {
      limit: wholeParameter(c, 'limit', LIMIT),
      snapshot: wholeParameter(c, 'snapshot', SNAPSHOT),
      after: c.req.query('after'),
    }
    return jsonAnswer(c, { cohort: name, members: await (await found(name)).desk.members(name, asked) })
  })
  app.get('/api/cohorts/:name/diff', signedInOnly, async (c) => {
    onlyParameters(c, 'limit', 'from', 'to')
    const name = c.req.param('name')
    const asked = {
      limit: wholeParameter(c, 'limit', LIMIT),
      from: wholeParameter(c, 'from', SNAPSHOT),
      to: wholeParameter(c, 'to', SNAPSHOT),
    }
    return jsonAnswer(c, { cohort: name, ...(await (await found(name)).desk.diff(name, asked)) })
  })
  app.post('/api/cohorts/:name/run', async (c) => {
    onlyParameters(c)
    await bodyObject(c, [])
    const name = c.req.param('name')
    return jsonAnswer(c, await (await found(name)).desk.run(name))
  })
  return app
}
