/** The pages in a real browser: seen live, understood, by keyboard alone, on a phone, in the dark. */
import { readFileSync } from 'node:fs'
import type { Browser, BrowserContext, BrowserContextOptions, Locator, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { CohortDesk, CohortShown } from '../../src/http/cohort-desk.ts'
import { browserPath, openBrowser } from './browser.ts'
import { PageWorker, TOKEN } from './page-worker.ts'

const CONTRASTS = readFileSync(new URL('contrasts.js', import.meta.url), 'utf8')

/** Elements that reach beyond the window, as far as they make the page wider. */
const TOO_WIDE = `document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll('body *')]
  .filter((each) => each.getBoundingClientRect().right > innerWidth)
  .map((each) => each.nodeName + '.' + each.className)`

const PRESSED_HEIGHTS = `[...document.querySelectorAll('button:not(.plain), summary, nav[aria-label=Sections] a')]
  .map((each) => each.getBoundingClientRect().height)
  .filter((height) => height > 0)`

const path = browserPath()
if (path === undefined)
  process.stderr.write(
    'no Chromium is installed (CHROMIUM_PATH names one): the tests of pages in a browser are skipped\n',
  )

const COHORT: CohortShown = {
  ...{ cohort: 'diabetes', description: 'Type 2 diabetes.', sql: 'SELECT 1', parameters: {}, snapshot: 2 },
  ...{ ran_at: new Date(), members: 3, entered: 2, left: 1, error_code: null, error_message: null },
  runs: [2, 1].map((snapshot) => ({
    ...{ snapshot, ran_at: new Date(Date.now() - 3_600_000 / snapshot), members: snapshot + 1, entered: 2, left: 1 },
    ...{ error_code: null, error_message: null },
  })),
}
const COHORTS: CohortDesk = {
  list: async () => [COHORT],
  show: async (name) => (name === 'diabetes' ? COHORT : undefined),
  members: async () => [{ patient_key: 'clinic/Patient/p-1', entered: 2 }],
  diff: async () => ({ from: null, to: null, entered: [], left: [] }),
  run: async () => COHORT,
}

describe.skipIf(path === undefined)('in a browser', () => {
  let worker: PageWorker
  let browser: Browser
  let failed: number
  let rejected: number
  const contexts: BrowserContext[] = []
  /** What the browser complained of: above all what the policy of the page forbids. */
  const complaints: string[] = []

  beforeAll(async () => {
    worker = await PageWorker.start({
      sources: {
        clinic: {},
        slow: { patients: 12, behaviour: { filesPerType: 8, downloadBytesPerSecond: 6000, gzip: false } },
        endless: { behaviour: { neverDone: true } },
        hospital: { behaviour: { malformedLines: { Patient: ['{"resourceType":"Patient"}'] } } },
        archive: { behaviour: { exportFailure: { status: 400, form: 'outcome' } } },
      },
      deps: { cohorts: COHORTS },
    })
    for (const source of ['clinic', 'clinic', 'hospital', 'archive']) await worker.sync(source)
    const last = (source: string) =>
      worker.session.first<{ run: number }>(`SELECT max(run) AS run FROM stoker.run WHERE source = '${source}'`)
    failed = (await last('archive'))!.run
    rejected = (await last('hospital'))!.run
    browser = await openBrowser(path!)
  })

  afterEach(async () => {
    for (const context of contexts.splice(0)) await context.close()
    expect(complaints.splice(0)).toEqual([])
  })

  afterAll(async () => {
    await browser?.close()
    await worker?.stop()
  })

  async function open(address: string, options: BrowserContextOptions = {}): Promise<Page> {
    const context = await browser.newContext({ viewport: { width: 1200, height: 800 }, ...options })
    contexts.push(context)
    const page = await context.newPage()
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
    await page.goto(`${worker.url}${address}`)
    return page
  }

  const isFocused = async (each: Locator) => (await each.and(each.page().locator(':focus')).count()) === 1

  const allPages = () => [
    ...[
      '/',
      '/sources/hospital',
      '/sources/archive',
      '/runs',
      '/runs?failed=yes',
      `/runs/${rejected}`,
      `/runs/${failed}`,
    ],
    ...[
      '/tables',
      '/tables/patient',
      '/snapshots',
      '/watermarks',
      '/charts',
      '/cohorts',
      '/cohorts/diabetes',
      '/login',
    ],
  ]

  test('a sync is asked for, seen to go on without a reload, and seen to end', async () => {
    const page = await open('/')
    const card = page.locator('#source-slow')
    await card.getByRole('button', { name: 'Sync now' }).click()
    await page.evaluate('globalThis.isSame = true')
    await card.getByText('running').first().waitFor()
    const files = card.locator('.progress dd').first()
    await files.waitFor()
    const before = await files.textContent()
    await expect.poll(() => files.textContent().catch(() => before), { timeout: 20_000 }).not.toBe(before)
    await card.getByText('up to date').waitFor({ timeout: 60_000 })
    expect(await page.evaluate('globalThis.isSame')).toBe(true)
    expect(await page.locator('#told').textContent()).toContain('slow: the run has ended')
    expect(await card.locator('.progress').isHidden()).toBe(true)
  })

  test('what is unfolded and what has the focus stays so while the page goes on', async () => {
    const page = await open('/')
    const running = worker.sync('endless')
    const summary = page.locator('#source-endless summary')
    await summary.click()
    await summary.focus()
    const progress = page.locator('#source-endless .progress')
    await expect.poll(() => progress.textContent(), { timeout: 20_000 }).toContain('waits for the server')
    const seen = await progress.textContent()
    await expect.poll(() => progress.textContent(), { timeout: 20_000 }).not.toBe(seen)
    expect(await page.locator('#source-endless details').getAttribute('open')).not.toBeNull()
    expect(await isFocused(summary)).toBe(true)
    await page.getByRole('button', { name: 'Cancel the run' }).click()
    await page.getByText('The run of endless is cancelled').waitFor()
    await running
  })

  test('from a failed run on the first page to its cause it is one click, and by the list of runs three', async () => {
    const page = await open('/')
    await page.getByRole('link', { name: `See run ${failed}` }).click()
    const cause = page.locator('.notice.bad')
    expect(await cause.textContent()).toMatch(
      /It failed:\s+BULK_EXPORT_FAILED\s+the export failed at the server \(400\)/,
    )
    expect(await cause.textContent()).toContain('What to do:')
    await page.getByRole('link', { name: 'Runs', exact: true }).click()
    await page.getByRole('checkbox').check()
    await page.waitForURL('**failed=yes')
    await page.getByRole('link', { name: 'BULK_EXPORT_FAILED' }).first().click()
    await cause.waitFor()
  })

  test('a reject is found from the list of runs: its reason, its file and its line', async () => {
    const page = await open('/runs')
    await page.getByRole('link', { name: `1 rejects of run ${rejected}` }).click()
    expect(page.url()).toMatch(/#rejects$/)
    const table = page.getByRole('table', { name: `Rejects of run ${rejected} by reason` })
    expect(await table.textContent()).toMatch(/no id.*File \d+.*Patient: line \d+, byte\s+[\d,]+.*rejects\.ndjson/s)
    await table.getByRole('link').click()
    expect(await page.locator(':target').textContent()).toContain('landed')
  })

  test('a cohort is followed: its size over time for everybody, who is in it with the token', async () => {
    const page = await open('/cohorts')
    await page.getByRole('link', { name: 'diabetes' }).click()
    await page.locator('canvas').waitFor()
    expect(await page.textContent('main')).not.toContain('clinic/Patient/p-1')
    await page.locator('main').getByRole('link', { name: 'Sign in' }).click()
    await page.getByLabel('Token').fill('not the token')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('alert').getByText('That is not the token').waitFor()
    await page.getByLabel('Token').fill(TOKEN)
    await page.keyboard.press('Enter')
    await page.getByText('clinic/Patient/p-1').waitFor()
  })

  test('everything is reached and done with the keyboard alone', async () => {
    const page = await open('/')
    const focused = () => page.evaluate<string>('document.activeElement.textContent.trim()')
    await page.keyboard.press('Tab')
    expect(await focused()).toBe('Skip to the content')
    expect((await page.locator('.skip').boundingBox())!.y).toBeGreaterThanOrEqual(0)
    await page.keyboard.press('Enter')
    expect(await page.evaluate('document.activeElement.id')).toBe('main')
    for (let i = 0; i < 30 && (await focused()) !== 'Sync now clinic'; i++) await page.keyboard.press('Tab')
    const outline = await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')
    expect([await focused(), outline]).toEqual(['Sync now clinic', 'solid'])
    await page.keyboard.press('Enter')
    await page.getByText('clinic is asked for').waitFor()
    await worker.sync('clinic')
  })

  test('an unfolded question is closed with Escape, and the focus goes back to what opened it', async () => {
    const page = await open('/sources/hospital')
    const summary = page.getByText('Sync everything anew…')
    await summary.focus()
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Sync everything anew')
    await page.keyboard.press('Escape')
    expect(await page.locator('details.ask').getAttribute('open')).toBeNull()
    expect(await isFocused(summary)).toBe(true)
  })

  test('on a phone no page is wider than the window, and what is pressed is large enough; in light and dark every word stands out', async () => {
    const page = await open('/', { viewport: { width: 360, height: 700 } })
    for (const each of allPages()) {
      await page.goto(`${worker.url}${each}`)
      expect([each, await page.evaluate(TOO_WIDE)]).toEqual([each, []])
      const heights = await page.evaluate<number[]>(PRESSED_HEIGHTS)
      expect(Math.min(...heights)).toBeGreaterThanOrEqual(24)
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme })
        const [ground, weak] = await page.evaluate<[number, string[]]>(CONTRASTS)
        expect(ground > 128).toBe(colorScheme === 'light')
        expect([each, weak]).toEqual([each, []])
      }
    }
  })

  test('charts are drawn from the data of the page, one for each question', async () => {
    const page = await open('/charts')
    await page.locator('canvas').first().waitFor()
    expect(await page.locator('figure canvas').count()).toBe(5)
    expect(await page.locator('figure').first().textContent()).toContain('How old the newest data was')
    expect(await page.locator('.loading').count()).toBe(0)
  })

  test('tables are found while somebody types', async () => {
    const page = await open('/tables')
    await page.getByLabel('Find').fill('birth_date')
    expect(await page.locator('tbody tr:not(.below):visible').count()).toBe(1)
    await page.getByRole('status').getByText('1 of 2').waitFor()
  })

  test('without scripts a run is asked for, seen by a page that loads itself again, and ended', async () => {
    const page = await open('/', { javaScriptEnabled: false })
    await page.locator('#source-endless').getByRole('button', { name: 'Sync now' }).click()
    await worker.until('endless', ({ progress }) => progress !== undefined)
    await page.goto(`${worker.url}/`)
    await page.locator('#source-endless progress').waitFor()
    expect(await page.content()).toContain('<meta http-equiv="refresh" content="5">')
    await page.locator('#source-endless summary').click()
    await page.getByRole('button', { name: 'Cancel the run' }).click()
    await page.getByText('The run of endless is cancelled').waitFor()
  })
})
