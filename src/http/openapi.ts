/** The description of the API, as programs read it: OpenAPI 3.1. */
import { readFileSync } from 'node:fs'

/** Relative to `src/http` and to `dist/http` alike. */
const FILE = new URL('../../schemas/api.openapi.json', import.meta.url)

export function openApiText(version: string): string {
  const document = JSON.parse(readFileSync(FILE, 'utf8')) as { readonly info: object }
  return JSON.stringify({ ...document, info: { ...document.info, version } })
}
