/** A server with one file, and a client that fetches it: what arrives, and what the client said of it. */
import { buffer } from 'node:stream/consumers'
import type { FileForm } from '../../src/bulk/file/form.ts'
import type { ManifestFile } from '../../src/bulk/export/manifest.ts'
import { clientFor, type ClientFixture } from './client-fixture.ts'
import { startOddityServer, type Answer, type OddityServer } from './oddity-server.ts'

export interface FileFixture extends ClientFixture {
  readonly server: OddityServer
  /** The file as the consumer has it in the end. */
  readonly fetched: (file?: Partial<Pick<ManifestFile, 'kind' | 'type'>>) => Promise<string>
  /** How often the consumer was called. */
  readonly passes: () => number
  /** What the client said that the file was, in place of NDJSON. */
  readonly forms: FileForm[]
}

const never = new AbortController().signal

export async function fileServed(...answers: Answer[]): Promise<FileFixture> {
  const server = await startOddityServer()
  server.on('GET /file', ...answers)
  const fixture = clientFor(server.baseUrl)
  const forms: FileForm[] = []
  let passes = 0
  const fetched: FileFixture['fetched'] = async (file = {}) => {
    const bytes = await fixture.client.fetchFile(
      { kind: 'output', url: `${server.origin}/file`, ...file },
      { requiresAccessToken: false },
      (body) => {
        passes += 1
        return buffer(body)
      },
      never,
      { onForm: (form) => forms.push(form) },
    )
    return bytes.toString('utf8')
  }
  return { server, fetched, forms, passes: () => passes, ...fixture }
}

/** Sends a body in pieces, each on its own way. */
export function inPieces(headers: Record<string, string>, pieces: readonly Buffer[]): Answer {
  return (_, response) => {
    response.writeHead(200, headers)
    response.socket?.setNoDelay(true)
    const next = (at: number): void => {
      if (at === pieces.length) response.end()
      else response.write(pieces[at], () => setImmediate(next, at + 1))
    }
    next(0)
  }
}

/** Cuts bytes into pieces of the given sizes, over and over; the last has what is left. */
export function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length]!
    pieces.push(bytes.subarray(at, at + size))
    at += size
  }
  return pieces
}
