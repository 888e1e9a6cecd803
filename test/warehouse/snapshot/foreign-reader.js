/** A process of another user: opens a catalog, reads a table of it, and tries what it must not. Answers in JSON. */
import { DuckDBInstance } from '@duckdb/node-api'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const [lake, ...secrets] = process.argv.slice(2)

function refused(attempt) {
  try {
    attempt()
    return 'allowed'
  } catch (error) {
    return error.code
  }
}

const answer = { uid: process.getuid() }
try {
  const instance = await DuckDBInstance.create(join(lake, 'catalog.duckdb'), { access_mode: 'READ_ONLY' })
  const connection = await instance.connect()
  answer.rows = (await connection.runAndReadAll('SELECT family FROM patient_name ORDER BY ALL')).getRowsJson().flat()
  connection.closeSync()
  instance.closeSync()
} catch (error) {
  answer.rows = /Permission denied/.test(error.message) ? 'EACCES' : error.message
}
answer.secrets = secrets.map((path) => refused(() => readFileSync(path)))
answer.list = refused(() => readdirSync(lake))
answer.write = refused(() => writeFileSync(join(lake, 'snapshots', 'x'), ''))
answer.lease = refused(() => mkdirSync(join(lake, 'readers', 'x')))
process.stdout.write(JSON.stringify(answer))
