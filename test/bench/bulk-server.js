/**
 * A Bulk Data server that does next to nothing but send files, in a process of its own so that its work is not counted
 * as the client's. Asked with `_since` it lists the files of `increment`; else those of `present`, or, where that is not
 * there, of `first`. The export is ready at the first look.
 *
 *     node test/bench/bulk-server.js FOLDER        prints its base URL
 */
import { createReadStream, existsSync, readdirSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { STATES } from './observations.js'

const folder = process.argv[2]
const server = createServer((request, response) => {
  answer(new URL(request.url, `http://${request.headers.host}`), request.method, response).catch(() =>
    response.destroy(),
  )
})
server.listen(0, '127.0.0.1', () => process.stdout.write(`http://127.0.0.1:${server.address().port}/\n`))

async function answer({ pathname, searchParams, origin }, method, response) {
  const [, step, state, file] = pathname.split('/')
  if (step === 'metadata')
    return json(response, { resourceType: 'CapabilityStatement', fhirVersion: '4.0.1', rest: [] })
  if (step === '$export') {
    const full = existsSync(join(folder, 'present')) ? 'present' : 'first'
    const location = `${origin}/status/${searchParams.has('_since') ? 'increment' : full}`
    response.writeHead(202, { 'content-location': location }).end()
  } else if (step === 'status' && method === 'DELETE') response.writeHead(202).end()
  else if (step === 'status') json(response, manifest(origin, state))
  else if (step === 'files') {
    const path = join(folder, state, basename(file))
    const headers = { 'content-type': 'application/fhir+ndjson', 'content-length': statSync(path).size }
    response.writeHead(200, headers)
    await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), response)
  } else response.writeHead(404).end()
}

function manifest(origin, state) {
  const listed = (names) => names.map((name) => ({ type: name.split('.')[0], url: `${origin}/files/${state}/${name}` }))
  const names = readdirSync(join(folder, state)).sort()
  return {
    transactionTime: STATES[state],
    request: `${origin}/$export`,
    requiresAccessToken: false,
    output: listed(names.filter((name) => !name.startsWith('deleted'))),
    deleted: listed(names.filter((name) => name.startsWith('deleted'))).map(({ url }) => ({ type: 'Bundle', url })),
    error: [],
  }
}

function json(response, value) {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}
