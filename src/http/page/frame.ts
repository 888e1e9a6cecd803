/** What stands around every page: head, way to the content, sections, and how the worker itself is. */
import { html } from 'hono/html'
import { bytesText } from '../../core/figures.ts'
import { assetPath } from './assets.ts'
import type { Html } from './html.ts'
import { age } from './moment.ts'
import { notice } from './notice.ts'
import type { PageView } from './page-view.ts'

/** Sections by the first step of their addresses; the sources are the front page. */
const SECTIONS = [
  ['', 'Sources'],
  ['runs', 'Runs'],
  ['tables', 'Tables'],
  ['snapshots', 'Snapshots'],
  ['watermarks', 'Watermarks'],
  ['charts', 'Charts'],
  ['cohorts', 'Cohorts'],
] as const

export interface Framed {
  readonly title: string
  readonly main: Html
  /** Names of own modules beside the one that keeps the page up to date. */
  readonly scripts?: readonly string[]
  /** Something goes on that is to be seen without a script too: the page loads itself again. */
  readonly isLively?: boolean
  /** Nothing of it changes by itself: a form, an error. */
  readonly isStill?: boolean
}

/** Told of no referrer at all, a browser says of its own forms that they come from nowhere, and they are refused. */
const OWN_REFERRER = html`<meta name="referrer" content="same-origin" />`

/** Seconds until a page without scripts loads itself again. */
const RELOAD_SECONDS = 5

export function frame(view: PageView, { title, main, scripts = [], isLively, isStill }: Framed): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        ${OWN_REFERRER}
        <title>${title} · Stoker</title>
        <link rel="icon" href="${assetPath('icon.svg')}" type="image/svg+xml" />
        <link rel="stylesheet" href="${assetPath('style.css')}" />
        ${scripts.includes('charts.js') ? html`<link rel="stylesheet" href="${assetPath('uplot.css')}" />` : ''}
        ${isStill ? '' : html`<script type="module" src="${assetPath('live.js')}"></script>`}
        ${scripts.map((name) => html`<script type="module" src="${assetPath(name)}"></script>`)}
        ${isLively ? html`<noscript><meta http-equiv="refresh" content="${RELOAD_SECONDS}" /></noscript>` : ''}
      </head>
      <body>
        <a class="skip" href="#main">Skip to the content</a>
        <header class="top">
          <a class="brand" href="/">${flame()}Stoker</a>
          ${isStranger(view) ? '' : sections(view)}
        </header>
        <p id="connection" class="connection" role="status" hidden></p>
        <p id="told" class="unseen" role="status" aria-live="polite"></p>
        <main id="main" tabindex="-1" ${isStill ? '' : html`data-live`}>
          ${isStranger(view) ? main : html`${roomNotice(view)} ${main}`}
        </main>
        ${isStranger(view) ? '' : footer(view, isStill ?? false)}
      </body>
    </html>`
}

/** Whoever comes from elsewhere without the token sees the form for it, and learns nothing of the worker. */
function isStranger({ isLoopback, signedIn }: PageView): boolean {
  return !isLoopback && !signedIn
}

function sections({ deps, path }: PageView): Html {
  const first = path.split('/')[1] ?? ''
  const here = first === 'sources' ? '' : first
  const shown = SECTIONS.filter(([name]) => name !== 'cohorts' || deps.cohorts !== undefined)
  return html`<nav aria-label="Sections">
    <ul>
      ${shown.map(
        ([name, word]) =>
          html`<li>
            <a href="/${name}" ${name === here ? html` aria-current="${path === `/${name}` ? 'page' : 'true'}"` : ''}
              >${word}</a
            >
          </li>`,
      )}
    </ul>
  </nav>`
}

function roomNotice({ deps }: PageView): Html | '' {
  const { hasRoom, diskFree } = deps.control.heartbeat
  if (hasRoom) return ''
  return notice({
    kind: 'bad',
    title: `The disk of the lake is almost full: ${bytesText(diskFree)} are free`,
    text: 'That is less than minimumFreeDisk of the configuration.',
    wayOut: html`free space there, or look at <a href="/snapshots">the snapshots</a> that are kept; runs go on where
      they stopped`,
  })
}

/** A worker that no longer beats is what nothing else on the page would show. */
function footer({ deps, now, signedIn, isLoopback }: PageView, isStill: boolean): Html {
  const { control, config } = deps
  const { at, rss, diskFree } = control.heartbeat
  return html`<footer id="worker" ${isStill ? '' : html`data-live`}>
    <p>
      Stoker ${config.version}, up for ${age(control.startedAt, now)}; last sign of life ${age(at, now)} ago;
      ${bytesText(rss)} of memory, ${bytesText(diskFree)} free on the disk
    </p>
    <p>
      <code>${config.file}</code> · <a href="/api/worker">JSON</a> · <a href="/openapi.json">API</a> ·
      <a href="/metrics">metrics</a>${signedIn ? logout() : isLoopback ? html` · <a href="/login">sign in</a>` : ''}
    </p>
  </footer>`
}

function logout(): Html {
  return html` ·
    <form class="inline" method="post" action="/logout"><button class="plain" type="submit">sign out</button></form>`
}

function flame(): Html {
  return html`<svg viewBox="0 0 16 16" aria-hidden="true" focusable="false">
    <path
      d="M8.6.6c.5 2.700 3.900 4.500 3.900 8.600A4.500 4.500 0 0 1 8 14.900a4.500 4.500 0 0 1-4.500-4.700c0-2 1-3.200 2-4.200.1 1.100.5 1.800 1.100 2.200C6.400 5.300 7 2.500 8.600.6Z"
    />
  </svg>`
}

export function pageHead(title: Html | string, beside?: Html | string): Html {
  return html`<div class="page-head">
    <h1>${title}</h1>
    ${beside ?? ''}
  </div>`
}

/** To the whole of what is shown in part. */
export function moreLink(href: string, text: string): Html {
  return html`<a class="more" href="${href}">${text}</a>`
}

/** The sections of a long page. */
export function onPage(sections: readonly { readonly id: string; readonly word: string }[]): Html {
  return html`<nav class="on-page" aria-label="On this page">
    <ul>
      ${sections.map(({ id, word }) => html`<li><a href="#${id}">${word}</a></li>`)}
    </ul>
  </nav>`
}
