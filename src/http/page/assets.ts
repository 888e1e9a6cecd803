/** Scripts, styles and the chart library: all that a page loads, and all of it from here. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Hono } from 'hono'
import type { HttpEnv } from '../deps.ts'

/** The same from `src/http/page` and from `dist/http/page`: the package has the folder once. */
const OWN = fileURLToPath(new URL('../../../src/http/page/assets/', import.meta.url))
const UPLOT = dirname(createRequire(import.meta.url).resolve('uplot'))

const TYPES = { css: 'text/css', js: 'text/javascript', svg: 'image/svg+xml' } as const

interface Asset {
  readonly body: string
  readonly contentType: string
  /** Of its bytes: an address with it in means these bytes for ever. */
  readonly digest: string
}

const PLACES: Readonly<Record<string, string>> = {
  'style.css': join(OWN, 'style.css'),
  'icon.svg': join(OWN, 'icon.svg'),
  'live.js': join(OWN, 'live.js'),
  'morph.js': join(OWN, 'morph.js'),
  'charts.js': join(OWN, 'charts.js'),
  'filter.js': join(OWN, 'filter.js'),
  'uplot.js': join(UPLOT, 'uPlot.esm.js'),
  'uplot.css': join(UPLOT, 'uPlot.min.css'),
}

/** Read once, when the first page is asked for. */
const read = new Map<string, Asset>()

function assetOf(name: string): Asset | undefined {
  const place = Object.hasOwn(PLACES, name) ? PLACES[name] : undefined
  if (place === undefined) return undefined
  const known = read.get(name)
  if (known !== undefined) return known
  const body = readFileSync(place, 'utf8')
  const contentType = `${TYPES[name.split('.').at(-1) as keyof typeof TYPES]}; charset=utf-8`
  const asset = { body, contentType, digest: createHash('sha256').update(body).digest('hex').slice(0, 12) }
  read.set(name, asset)
  return asset
}

export function assetPath(name: string): string {
  return `/assets/${name}?v=${assetOf(name)!.digest}`
}

/** Modules import each other without a digest: those are asked for again each time, and not sent again. */
export function assetRoutes(): Hono<HttpEnv> {
  return new Hono<HttpEnv>().get('/assets/:name', (c) => {
    const asset = assetOf(c.req.param('name'))
    if (asset === undefined) return c.text('there is no such file', 404)
    const tag = `"${asset.digest}"`
    c.header('ETag', tag)
    c.header('Cache-Control', c.req.query('v') === asset.digest ? 'public, max-age=31536000, immutable' : 'no-cache')
    if (c.req.header('If-None-Match') === tag) return c.body(null, 304)
    c.header('Content-Type', asset.contentType)
    return c.body(asset.body)
  })
}
