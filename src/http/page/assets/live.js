/** Keeps a page up to date: the worker tells that something happened, and the server renders it anew. */
import { morph } from './morph.js'

/** A run tells of every megabyte; nobody reads faster than this. */
const PROGRESS_EVERY_MS = 1000
const PAGE_EVERY_MS = 2000
/** For what changes by itself: ages, and what no event tells. */
const PAGE_AT_LEAST_MS = 60_000
/** What became of a form is told once, and so long. */
const PASSING_MS = 10_000
/** A short interruption is nobody's concern. */
const LOST_AFTER_MS = 4000

/** What a run tells that stands on more than one page. */
const CHANGES = new Set(['started', 'committed', 'published', 'failed', 'finding', 'lost'])

/** When what is shown was so. */
let shownAt = new Date()

const main = document.getElementById('main')
const connection = document.getElementById('connection')

/** At most one at a time and one in `everyMs`; asked meanwhile, once more after it. Not while nobody looks. */
function paced(everyMs, work) {
  let isDue = false
  let timer
  async function begin() {
    if (timer !== undefined || !isDue || document.hidden) return
    isDue = false
    timer = setTimeout(() => {
      timer = undefined
      void begin()
    }, everyMs)
    await work().catch(() => undefined)
  }
  document.addEventListener('visibilitychange', () => void begin())
  return () => {
    isDue = true
    void begin()
  }
}

async function fetched(address) {
  const response = await fetch(address, { headers: { Accept: 'text/html' }, redirect: 'error' })
  if (!response.ok) throw new Error(`answered ${response.status}`)
  return new DOMParser().parseFromString(await response.text(), 'text/html')
}

const refreshPage = paced(PAGE_EVERY_MS, async () => {
  const address = new URL(location.href)
  address.searchParams.delete('asked')
  const page = await fetched(address)
  const passing = performance.now() < PASSING_MS ? main.querySelector('[data-passing]') : null
  if (passing !== null) page.querySelector('.page-head')?.after(document.importNode(passing, true))
  for (const part of page.querySelectorAll('[data-live]')) {
    const here = document.getElementById(part.id)
    if (here !== null) morph(here, part)
  }
  document.title = page.title
  shownAt = new Date()
  document.dispatchEvent(new Event('fresh'))
  tellSteps()
})

const refreshProgress = paced(PROGRESS_EVERY_MS, async () => {
  const parts = await fetched('/progress')
  for (const part of parts.querySelectorAll('[data-progress]')) {
    const here = document.getElementById(part.id)
    if (here === null) continue
    // A run that began or ended changes more than its progress.
    if (here.dataset.run !== part.dataset.run) refreshPage()
    else morph(here, part)
  }
  tellSteps()
})

const steps = new Map()

/** Aloud, for who can not see it: that a run began, went on to another step, or ended. Not how far it is. */
function tellSteps() {
  const news = []
  for (const part of document.querySelectorAll('[data-progress]')) {
    const { progress: source, step, says } = part.dataset
    const before = steps.get(source)
    if (steps.has(source) && before !== step) news.push(says ?? `${source}: the run has ended`)
    steps.set(source, step)
  }
  if (news.length > 0) document.getElementById('told').textContent = news.join('. ')
}

let lostTimer

function connected() {
  clearTimeout(lostTimer)
  lostTimer = undefined
  if (!connection.hidden) refreshPage()
  connection.hidden = true
  connection.textContent = ''
}

function lost() {
  lostTimer ??= setTimeout(() => {
    const time = `${shownAt.toISOString().slice(0, 19).replace('T', ' ')} UTC`
    connection.textContent = `The worker does not answer: this is how it was at ${time}. Trying again …`
    connection.hidden = false
  }, LOST_AFTER_MS)
}

/** A stream that the server refuses, because it restarts or too many listen, is not asked for again by the browser. */
function listen(waitMs = 2000) {
  const events = new EventSource('/api/events')
  events.onopen = () => {
    waitMs = 2000
    connected()
  }
  events.onerror = () => {
    lost()
    if (events.readyState !== EventSource.CLOSED) return
    setTimeout(() => listen(Math.min(waitMs * 2, 30_000)), waitMs)
  }
  const isFollowed = (run) => document.querySelector(`[data-follows="${run}"]`) !== null
  const isWatched = () => document.querySelector('[data-progress]') !== null
  events.addEventListener('run', ({ data }) => {
    if (isWatched()) refreshProgress()
    const { event } = JSON.parse(data)
    if (CHANGES.has(event.kind) || (event.kind === 'landed' && isFollowed(event.run))) refreshPage()
  })
  events.addEventListener('source', () => (isWatched() ? refreshProgress() : undefined))
  for (const kind of ['hello', 'published', 'cohorts', 'reloaded', 'stopping'])
    events.addEventListener(kind, refreshPage)
  const activities = new Map()
  events.addEventListener('source', ({ data }) => {
    const { state } = JSON.parse(data)
    const now = `${state.activity} ${state.failures}`
    if (now !== activities.get(state.name)) refreshPage()
    activities.set(state.name, now)
  })
}

document.addEventListener('keydown', ({ key }) => {
  const open = key === 'Escape' ? document.querySelector('details.ask[open]') : null
  open?.removeAttribute('open')
  open?.querySelector('summary').focus()
})
for (const form of document.querySelectorAll('[data-sends-itself]')) {
  form.addEventListener('change', () => form.requestSubmit())
}
tellSteps()
listen()
setInterval(refreshPage, PAGE_AT_LEAST_MS)
