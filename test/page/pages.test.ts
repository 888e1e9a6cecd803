/** The pages as HTML: whole without a script, and saying what an operator came for. */
import { readFile, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { history } from '../../src/http/history.ts'
import { sourceGlances } from '../../src/http/page/source-glance.ts'
import { standingOf } from '../../src/http/page/standing.ts'
import { linksOf, tagsOf, textOf } from './markup.ts'
import { PageWorker } from './page-worker.ts'

let worker: PageWorker
let failed: number
let rejected: number

const MALFORMED = ['{"resourceType":"Patient"}', 'no json, Doe^Jane']

beforeAll(async () => {
  worker = await PageWorker.start({
    sources: {
      clinic: {},
      hospital: {
        behaviour: {
          malformedLines: { Patient: MALFORMED },
          blankLines: 1,
          messages: [
            { severity: 'warning', code: 'processing' },
            { severity: 'information', code: 'informational' },
          ],
        },
      },
      archive: { behaviour: { exportFailure: { status: 400, form: 'outcome' } } },
      untouched: {},
    },
  })
  await worker.sync('clinic')
  rejected = (await runOf('hospital'))!
  failed = (await runOf('archive'))!
})

afterAll(() => worker.stop())

async function runOf(source: string): Promise<number | undefined> {
  await worker.sync(source)
  const sql = `SELECT max(run) AS run FROM stoker.run WHERE source = '${source}'`
  return (await worker.session.first<{ run: number }>(sql))?.run
}

async function html(path: string): Promise<string> {
  const { status, text } = await worker.page(path)
  expect(`${path} ${status}`).toBe(`${path} 200`)
  return text
}

describe('every page', () => {
  const paths = () => [
    ...[
      '/',
      '/sources/hospital',
      '/sources/untouched',
      '/runs',
      '/runs?failed=yes',
      `/runs/${rejected}`,
      `/runs/${failed}`,
    ],
    ...['/tables', '/tables/patient', '/snapshots', '/watermarks', '/charts', '/login', '/login?failed=wrong'],
  ]

  test('is one document with its landmarks, one heading above all and a way to the content', async () => {
    for (const path of paths()) {
      const text = await html(path)
      const tags = tagsOf(text)
      const count = (name: string) => tags.filter((tag) => tag.name === name).length
      expect([path, count('main'), count('h1'), count('header'), count('footer')]).toEqual([path, 1, 1, 1, 1])
      expect(tags.find(({ name }) => name === 'html')!.attributes.get('lang')).toBe('en')
      expect(linksOf(text)[0]).toBe('#main')
      expect(count('table')).toBe(count('caption'))
    }
  })

  test('has no script or style of its own in it, and nothing from outside', async () => {
    for (const path of paths()) {
      for (const { name, attributes } of tagsOf(await html(path))) {
        expect([...attributes.keys()].filter((key) => key === 'style' || key.startsWith('on'))).toEqual([])
        if (name === 'script' && attributes.get('type') !== 'application/json')
          expect(attributes.get('src')).toMatch(/^\/assets\/[a-z]+\.js\?v=[0-9a-f]+$/)
        expect(name).not.toBe('style')
        for (const key of ['src', 'href', 'action']) expect(attributes.get(key) ?? '/').toMatch(/^[/#]/)
      }
    }
  })

  test('uses each id once, and names with it what is there', async () => {
    for (const path of paths()) {
      const tags = tagsOf(await html(path))
      const ids = tags.flatMap(({ attributes }) => attributes.get('id') ?? [])
      expect(ids).toEqual([...new Set(ids)])
      const named = tags.flatMap(({ attributes }) => attributes.get('aria-labelledby') ?? attributes.get('for') ?? [])
      expect(named.filter((id) => !ids.includes(id))).toEqual([])
    }
  })

  test('gives each instant exactly, beside how long ago it was', async () => {
    const times = tagsOf(await html('/runs')).filter(({ name }) => name === 'time')
    expect(times.length).toBeGreaterThan(2)
    for (const { attributes } of times) {
      expect(attributes.get('datetime')).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
      expect(attributes.get('title')).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/)
    }
  })

  test('leads nowhere that is not there', async () => {
    const links = new Set(
      (await Promise.all(paths().map(html))).flatMap(linksOf).filter((link) => link.startsWith('/')),
    )
    for (const link of links) expect([link, (await worker.page(link)).status]).toEqual([link, 200])
  })
})

describe('the first page', () => {
  test('says which sources need a look, and of a failed one what happened, why, what to do and where to read on', async () => {
    const page = await html('/')
    const text = textOf(page)
    expect(text).toContain('2 sources of 4 need a look')
    expect(text).toMatch(/The last run failed \d+ \w+ ago: BULK_EXPORT_FAILED the export failed at the server \(400\)/)
    expect(text).toContain('What to do: ')
    expect(linksOf(page)).toContain(`/runs/${failed}`)
  })

  test('knows of a run that failed before the worker started, and says whether anything tries it again', async () => {
    const states = worker.deps.control.sources().map((state) => ({ ...state, failures: 0, error: undefined }))
    const glances = await sourceGlances(worker.deps.ask, states)
    const archive = glances.find(({ name }) => name === 'archive')!
    const now = new Date()
    expect([standingOf(archive, now).word, archive.failure?.code]).toEqual(['failed', 'BULK_EXPORT_FAILED'])
    const troubled = glances.filter((glance) => standingOf(glance, now).trouble === 'look')
    expect(troubled.map(({ name }) => name)).toEqual(['hospital', 'archive'])
    expect(textOf(await html('/'))).toContain('It is not tried again by itself, for it has no schedule')
  })

  test('begins with the sources that need a look, and counts those without data', async () => {
    const text = textOf(await html('/'))
    expect(text).toMatch(/The newest data of 2 sources is no older than \d+ \w+; 2 have none yet\./)
    expect(text.indexOf('archive failed')).toBeLessThan(text.indexOf('clinic up to date'))
  })

  test('shows of each source how old its newest data is, its state in a word, its next run and its last', async () => {
    const text = textOf(await html('/'))
    expect(text).toMatch(/clinic up to date newest data \d+ s old next run when asked last run \d+ done/)
    expect(text).toMatch(/untouched no data yet newest data none yet/)
  })

  test('says that a configuration read again was refused, why, and what to do, until one is taken', async () => {
    const { control, config } = worker.deps
    const good = await readFile(config.file, 'utf8')
    await writeFile(config.file, good.replace('256MiB', '300MiB'))
    await control.reload()
    expect(textOf(await html('/'))).toMatch(
      /The configuration, read again (just now|\d+ s ago), was refused: CONFIG_FIXED .*memoryLimit can not change .*What to do: stop the worker/,
    )
    await writeFile(config.file, good)
    await control.reload()
    expect(textOf(await html('/'))).not.toContain('was refused')
  })

  test('names the types that a run held back, and why', async () => {
    expect(textOf(await html('/'))).toMatch(/1 type held back by run \d+: the other types went on Patient: .*damaged/)
  })
})

describe('a run', () => {
  test('that failed begins with its error and the way out, and says that nothing was committed', async () => {
    const text = textOf(await html(`/runs/${failed}`))
    expect(text).toMatch(/Run \d+ of archive failed It failed: BULK_EXPORT_FAILED the export failed at the server/)
    expect(text).toContain('Nothing of it was committed: the tables are as they were.')
  })

  test('shows rejects by reason with their places and where their text lies, and never the text', async () => {
    const page = await html(`/runs/${rejected}`)
    const text = textOf(page)
    expect(text).toMatch(/no id 1 File \d+ Patient: line 3, byte [\d,]+ raw\/hospital\/\d+\/\d+\.rejects\.ndjson/)
    expect(text).toContain('not valid JSON')
    expect(page).not.toContain('Doe')
  })

  test('shows what the server reported by severity, the worst first', async () => {
    expect(textOf(await html(`/runs/${rejected}`))).toMatch(/warning processing 1 information informational 1/)
  })

  test('keeps books in which every line is accounted for', async () => {
    const text = textOf(await html(`/runs/${rejected}`))
    const [, lines, resources, rejects, headers, blanks] = /\ball \d+ (\d+) (\d+) (\d+) (\d+) (\d+) yes/
      .exec(text)!
      .map(Number)
    expect(lines).toBe(resources! + rejects! + headers! + blanks!)
    expect([rejects, blanks]).toEqual([2, 2])
  })

  test('shows its phases as bars that lie within its time', async () => {
    const bars = tagsOf(await html(`/runs/${rejected}`)).filter(
      ({ name, attributes }) => name === 'rect' && attributes.get('class') === 'spell',
    )
    expect(bars.length).toBeGreaterThanOrEqual(4)
    for (const { attributes } of bars) {
      expect(Number(attributes.get('x'))).toBeGreaterThanOrEqual(0)
      expect(Number(attributes.get('x')) + Number(attributes.get('width'))).toBeLessThanOrEqual(100.7)
    }
  })

  test('that is not there is a page that says so, and where to go', async () => {
    const { status, text } = await worker.page('/runs/999999')
    expect(status).toBe(404)
    expect(textOf(text)).toContain('There is no run 999999 What to do: choose one of the runs')
  })
})

describe('the runs', () => {
  test('can be those of one source, or those alone that failed', async () => {
    const failures = textOf(await html('/runs?failed=yes'))
    expect(failures).toMatch(/BULK_EXPORT_FAILED/)
    expect(tagsOf(await html('/runs?source=clinic')).filter(({ name }) => name === 'tr').length).toBe(2)
    expect(textOf(await html('/runs?source=clinic&failed=yes'))).toContain('No run of clinic failed')
  })

  test('keep what was chosen in the form, and pass over what is not understood', async () => {
    const chosen = tagsOf(await html('/runs?source=clinic&limit=100&failed=yes')).filter(
      ({ attributes }) => attributes.has('selected') || attributes.has('checked'),
    )
    expect(chosen.map(({ attributes }) => attributes.get('value'))).toEqual(['clinic', '100', 'yes'])
    await html('/runs?limit=-1&source=%27')
  })
})

describe('the data dictionary', () => {
  test('lists every table with its type, rows, columns and description', async () => {
    expect(textOf(await html('/tables'))).toMatch(/patient Patient 10 40 [\d.]+ kB \d+ s ago One row per Patient\./)
  })

  test('finds a table by the name of a column or a word of its description', async () => {
    expect(textOf(await html('/tables?search=birth_date'))).not.toContain('One row per Condition')
    expect(textOf(await html('/tables?search=nothing+has+this'))).toContain('No table has “nothing has this”')
  })

  test('says of each column its type and what it holds, and which runs changed the table', async () => {
    const text = textOf(await html('/tables/patient'))
    expect(text).toContain('birth_date DATE Date of birth.')
    expect(text).toMatch(/Changed by .* rows then Run \d+ hospital/)
    expect((await worker.page('/tables/nothing')).status).toBe(404)
  })
})

describe('forms', () => {
  const post = (path: string, fields: Record<string, string>) =>
    worker.page(path, { method: 'POST', body: new URLSearchParams(fields) })

  test('ask for a run, and show the page they stood on with what became of it', async () => {
    const { status, headers } = await post('/sources/untouched/sync', { back: '/' })
    expect([status, headers.get('location')]).toEqual([303, '/?asked=queued&source=untouched'])
    await worker.sync('untouched')
    expect(textOf(await html('/?asked=queued&source=untouched'))).toContain('untouched is asked for')
  })

  test('never send anybody to another site', async () => {
    const { headers } = await post('/sources/clinic/cancel', { back: 'https://elsewhere.example/' })
    expect(headers.get('location')).toBe('/sources/clinic?asked=nothing')
    const login = tagsOf(await html('/login?next=//elsewhere.example'))
    expect(login.find(({ attributes }) => attributes.get('name') === 'next')!.attributes.get('value')).toBe('/')
  })

  test('of a source that is not there are answered with a page that says so', async () => {
    const { status, text } = await post('/sources/nobody/sync', { back: '/' })
    expect([status, textOf(text).includes('SOURCE_UNKNOWN')]).toEqual([404, true])
  })
})

test('runs that do not fit on a page are on the next one, by the number of the last', async () => {
  const [newest] = await worker.deps.ask<{ run: number }>('SELECT max(run) AS run FROM stoker.run')
  const older = await html(`/runs?before=${newest!.run}&failed=&source=`)
  expect(linksOf(older)).not.toContain(`/runs/${newest!.run}`)
  expect(linksOf(older)).toContain('/runs')
  expect(textOf(older)).toContain('The newest runs')
  expect(textOf(await html('/runs?before=0&source=clinic'))).toContain('There is no older run of clinic.')
  expect(textOf(await html('/runs'))).not.toContain('The newest runs')
})

test('a run that held all types back brought nothing newer, in the charts as on the first page', async () => {
  const dated = async () => {
    const { runs } = await history(worker.deps.ask, { days: 1, now: new Date() })
    return runs.filter(({ source }) => source === 'hospital').map(({ data_as_of }) => data_as_of !== null)
  }
  expect(await dated()).toEqual([true])
  const only = `run = ${rejected} AND type <> 'Patient'`
  await worker.session.run(`UPDATE stoker.run_type SET held = 'a test' WHERE ${only}`)
  expect(await dated()).toEqual([false])
  await worker.session.run(`UPDATE stoker.run_type SET held = NULL WHERE ${only}`)
})

test('without cohorts there is no way to them, and nothing at their address', async () => {
  expect(linksOf(await html('/'))).not.toContain('/cohorts')
  expect((await worker.page('/cohorts')).status).toBe(404)
})

test('scripts and styles come from here, and stay with who has them until they change', async () => {
  const [style] = tagsOf(await html('/')).flatMap(({ attributes }) =>
    attributes.get('rel') === 'stylesheet' ? [attributes.get('href')!] : [],
  )
  const { headers } = await worker.page(style!)
  expect(headers.get('content-type')).toBe('text/css; charset=utf-8')
  const again = await worker.page(style!, { headers: { 'If-None-Match': headers.get('etag')! } })
  expect(again.status).toBe(304)
  expect((await worker.page('/assets/uplot.js')).text).toContain('uPlot')
  expect((await worker.page('/assets/..%2Froutes.ts')).status).toBe(404)
})
