/** Draws the charts of a page from the JSON in it, in the colours of its style, again when those change. */
import uPlot from './uplot.js'

const HEIGHT = 200
/** Beside colours, so that lines are told apart without them. */
const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3], [4, 2], [14, 5]]
const UNITS = { count: countText, bytes: bytesText, ms: durationText }

/** Whole numbers: there is no half of a patient. */
const COUNTS = Array.from({ length: 13 }, (_, i) => [1, 2, 5].map((step) => step * 10 ** i)).flat()
/** Between the first and the last point and the sides. */
const MARGIN = 0.02

let data = ''
let charts = []
let drawn = []

function read() {
  const text = document.getElementById('chart-data')?.textContent ?? '[]'
  const isNew = text !== data
  data = text
  if (isNew) charts = JSON.parse(text)
  return isNew
}

function draw() {
  for (const plot of drawn) plot.destroy()
  drawn = charts.flatMap((chart) => {
    const place = document.querySelector(`[data-chart="${CSS.escape(chart.id)}"]`)
    if (place === null) return []
    place.replaceChildren()
    return [new uPlot(options(chart, place), [chart.x, ...chart.y], place)]
  })
}

/** One for all charts of a page, so that what is below each other was at the same time; in seconds. */
function timeRange() {
  const all = charts.flatMap(({ x }) => [x[0], x.at(-1)])
  const [from, to] = [Math.min(...all), Math.max(...all)]
  const margin = Math.max((to - from) * MARGIN, 30)
  return [from - margin, to + margin]
}

/** Where nothing points at a chart, as on a phone: the newest value. */
function shownValue(plot, value, series, at) {
  if (at !== null && at !== undefined) return value
  return plot.data[series].findLast((each) => each !== null && each !== undefined) ?? null
}

function options({ names, unit, shape }, place) {
  const style = getComputedStyle(document.documentElement)
  const colour = (name) => style.getPropertyValue(name).trim()
  const text = UNITS[unit]
  const axis = {
    stroke: colour('--quiet'),
    font: `12px ${style.getPropertyValue('--font')}`,
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { stroke: colour('--line'), width: 1 },
  }
  return {
    width: place.clientWidth,
    height: HEIGHT,
    cursor: { y: false, points: { size: 7 } },
    legend: { show: true },
    scales: { x: { range: timeRange() }, y: { range: (_plot, _low, high) => [0, high > 0 ? high * 1.08 : 1] } },
    axes: [
      { ...axis, space: 70, values: timeTexts },
      {
        ...axis,
        size: 66,
        values: (_plot, values) => values.map(text),
        ...(INCREMENTS[unit] && { incrs: INCREMENTS[unit] }),
      },
    ],
    series: [
      { label: 'when', value: (_plot, seconds) => (seconds === null ? 'newest' : `${instantText(seconds)} UTC`) },
      ...names.map((name, i) => ({
        label: name,
        stroke: colour(`--series-${(i % 6) + 1}`),
        width: 1.75,
        dash:
          DASHES[Math.floor(i / 6) % DASHES.length].length > 0 ? DASHES[Math.floor(i / 6)] : DASHES[i % DASHES.length],
        spanGaps: true,
        points: { show: shape === 'points', size: 6, fill: colour('--surface') },
        value: (plot, value, series, at) => {
          const shown = shownValue(plot, value, series, at)
          return shown === null ? '–' : text(shown)
        },
        ...(shape === 'steps' && { paths: uPlot.paths.stepped({ align: 1 }) }),
      })),
    ],
  }
}

/** Round durations for an axis, in milliseconds. */
const DURATIONS = [1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200]
  .concat([1, 2, 5, 10, 20, 50, 100, 200].map((days) => days * 86_400))
  .map((seconds) => seconds * 1000)
for (let ms = 1; ms < 1000; ms *= 10) DURATIONS.unshift(ms, ms * 2, ms * 5)
DURATIONS.sort((a, b) => a - b)

const INCREMENTS = { ms: DURATIONS, count: COUNTS }

function timeTexts(_plot, values) {
  const step = values.length > 1 ? values[1] - values[0] : 0
  let day = ''
  return values.map((seconds, i) => {
    const [date, time] = instantText(seconds).split(' ')
    if (step >= 86_400) return i === 0 ? `${date.slice(5)}\nUTC` : date.slice(5)
    const isNewDay = date !== day
    day = date
    const clock = step < 60 ? time : time.slice(0, 5)
    return isNewDay ? `${clock}\n${date.slice(5)}${i === 0 ? ' UTC' : ''}` : clock
  })
}

/** In UTC, as all times of a page. */
function instantText(seconds) {
  return new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ')
}

function countText(value) {
  return value.toLocaleString('en-US', { maximumFractionDigits: 2 })
}

function scaled(value, steps) {
  const [size, unit] = steps.find(([each]) => Math.abs(value) >= each) ?? steps.at(-1)
  const number = value / size
  return `${number.toFixed(Number.isInteger(number) || number >= 100 ? 0 : 1)} ${unit}`
}

function bytesText(value) {
  const steps = [
    [1e12, 'TB'],
    [1e9, 'GB'],
    [1e6, 'MB'],
    [1e3, 'kB'],
    [1, 'B'],
  ]
  return value === 0 ? '0' : scaled(value, steps)
}

function durationText(value) {
  const steps = [
    [2 * 86_400_000, 'd', 86_400_000],
    [3_600_000, 'h'],
    [60_000, 'min'],
    [1000, 's'],
    [1, 'ms'],
  ]
  const [, unit, size] = steps.find(([each]) => value >= each) ?? steps.at(-1)
  if (value === 0) return '0'
  const number = value / (size ?? steps.find(([, each]) => each === unit)[0])
  return `${number.toFixed(Number.isInteger(number) || number >= 100 ? 0 : 1)} ${unit}`
}

let width = 0
new ResizeObserver(() => {
  const now = document.getElementById('main').clientWidth
  if (now === width) return
  width = now
  read()
  draw()
}).observe(document.getElementById('main'))
document.addEventListener('fresh', () => read() && draw())
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw)
