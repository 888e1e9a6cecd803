/** The arrows between the folders of src run one way. */
import { describe, expect, test } from 'vitest'
import { type SourceFile, importedPackage, importedPath, readTree } from './source-tree.ts'

const files = readTree('src')

const MIDDLE = ['bulk', 'landing', 'views', 'warehouse', 'ledger']

/** What each folder may import besides itself: `app` wires what is below it, and who is above reads its configuration. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  core: [],
  store: ['core'],
  bulk: ['core'],
  views: ['core'],
  landing: ['store', 'core'],
  warehouse: ['store', 'core'],
  ledger: ['store', 'core'],
  demo: ['core'],
  worker: [...MIDDLE, 'store', 'core'],
  analysis: ['warehouse', 'store', 'core'],
  report: ['worker', 'ledger', 'warehouse', 'views', 'core'],
  app: ['analysis', 'report', 'worker', ...MIDDLE, 'store', 'core'],
  service: ['app', 'analysis', 'report', 'worker', ...MIDDLE, 'store', 'core'],
  http: ['service', 'app', 'analysis', 'report', 'worker', ...MIDDLE, 'store', 'core'],
  cli: ['http', 'service', 'app', 'analysis', 'report', 'worker', 'demo', ...MIDDLE, 'store', 'core'],
  main: ['cli', 'app', 'core'],
}

/** `from:line imports to` for each relative import that `isWrong`. */
function wrongImports(isWrong: (file: SourceFile, target: string) => boolean): string[] {
  return files.flatMap((file) =>
    file.imports.flatMap((each) => {
      const target = importedPath(file, each)
      return target !== undefined && isWrong(file, target) ? [`${file.path}:${each.line} imports ${target}`] : []
    }),
  )
}

function folderOf(path: string): string {
  return path.split('/').length > 2 ? path.split('/')[1]! : 'main'
}

test('every folder of src is one the design knows', () => {
  expect(files.map((file) => file.folder).filter((folder) => !(folder in ALLOWED))).toEqual([])
})

describe('a folder imports only what lies below it', () => {
  test.each(Object.entries(ALLOWED))('%s imports no more than %j', (folder, allowed) => {
    const wrong = wrongImports((file, target) => {
      const to = folderOf(target)
      return file.folder === folder && to !== folder && !allowed.includes(to)
    })
    expect(wrong).toEqual([])
  })
})

/** The rooms of a folder, each with those it may import besides itself. */
const ROOMS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  bulk: {
    http: [],
    auth: ['http'],
    server: ['auth', 'http'],
    export: ['server', 'http'],
    file: ['export', 'server', 'http'],
    check: ['export', 'server', 'auth', 'http'],
  },
  warehouse: {
    tables: [],
    merge: ['tables'],
    snapshot: ['tables'],
    reading: ['snapshot'],
    past: ['snapshot', 'tables'],
    upkeep: ['past', 'tables'],
    purge: ['upkeep', 'past', 'snapshot', 'merge', 'tables'],
  },
}

/** Files of the folder that belong to no room: one in front of them, or what all of them know. */
const FRONT: Readonly<Record<string, 'knows all' | 'known to all'>> = { bulk: 'knows all', warehouse: 'known to all' }

test.each(Object.entries(ROOMS))('the rooms of %s import each other one way', (folder, rooms) => {
  const roomOf = (path: string) => new RegExp(`^src/${folder}/(?:([a-z]+)/)?`).exec(path)?.[1] ?? 'front'
  const wrong = wrongImports((file, target) => {
    if (file.folder !== folder || folderOf(target) !== folder) return false
    const [from, to] = [roomOf(file.path), roomOf(target)]
    if (from === to) return false
    if (from === 'front') return FRONT[folder] === 'known to all'
    if (to === 'front') return FRONT[folder] === 'knows all'
    return !rooms[from]?.includes(to)
  })
  expect(wrong).toEqual([])
})

test('no file of src imports a file outside src, and each names a file that is there', () => {
  const paths = new Set(files.map((file) => file.path))
  expect(wrongImports((_file, target) => !paths.has(target))).toEqual([])
})

test('no file needs itself to be loaded first', () => {
  const needs = new Map(
    files.map((file) => {
      const targets = file.imports.filter((each) => !each.isType).map((each) => importedPath(file, each))
      return [file.path, targets.filter((target) => target !== undefined)]
    }),
  )
  expect([...needs.keys()].flatMap((start) => circleFrom(start, needs) ?? [])).toEqual([])
})

/** The way from `start` back to itself, if there is one. */
function circleFrom(start: string, needs: ReadonlyMap<string, readonly string[]>): string | undefined {
  const ways = (needs.get(start) ?? []).map((next) => [start, next])
  const seen = new Set<string>()
  for (let way = ways.pop(); way; way = ways.pop()) {
    const last = way.at(-1)!
    if (last === start) return way.join(' → ')
    if (seen.has(last)) continue
    seen.add(last)
    for (const next of needs.get(last) ?? []) ways.push([...way, next])
  }
  return undefined
}

test('the protocol, the view compiler, the demo server and core know nothing of DuckDB', () => {
  const found = files
    .filter((file) => ['bulk', 'views', 'demo', 'core'].includes(file.folder))
    .filter((file) => file.imports.some((each) => importedPackage(each)?.startsWith('@duckdb/')))
  expect(found.map((file) => file.path)).toEqual([])
})

test('modules of Node are imported by their node: names', async () => {
  const { builtinModules } = await import('node:module')
  const found = files.flatMap((file) =>
    file.imports
      .filter((each) => builtinModules.includes(each.specifier) && !each.specifier.startsWith('node:'))
      .map((each) => `${file.path}:${each.line} ${each.specifier}`),
  )
  expect(found).toEqual([])
})
