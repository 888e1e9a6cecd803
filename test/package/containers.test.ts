/** The examples for containers: what they promise of rights, ports and life holds in all of them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { HTTP_DEFAULT } from '../../src/app/config-service.ts'
import { makeFolder, OWN_VIEWS } from '../app/config-folder.ts'
import { loadConfig } from '../../src/app/config.ts'
import { ROOT } from '../house/source-tree.ts'

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const dockerfile = read('Dockerfile')

interface Compose {
  readonly services: { readonly stoker: Readonly<Record<string, unknown>> }
}
interface Kubernetes {
  readonly kind: string
  readonly spec: {
    readonly replicas: number
    readonly strategy: { readonly type: string }
    readonly template: { readonly spec: PodSpec }
  }
  readonly data: Readonly<Record<string, string>>
}
interface PodSpec {
  readonly securityContext: Readonly<Record<string, unknown>>
  readonly containers: readonly [Readonly<Record<string, unknown>>]
}

const compose = (parse(read('config/compose.yaml')) as Compose).services.stoker
const documents = parseAllDocuments(read('config/kubernetes.yaml')).map((each) => each.toJS() as Kubernetes)
const deployment = documents.find(({ kind }) => kind === 'Deployment')!
const container = deployment.spec.template.spec.containers[0]

describe('the Dockerfile', () => {
  test('copies only folders of the repository, and all that the package has', () => {
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, from]) => from!.split(' '))
    const { files } = JSON.parse(read('package.json')) as { files: string[] }
    expect(copied).toEqual(expect.arrayContaining(files.filter((name) => !/^(dist|README.md|!.*)$/.test(name))))
  })

  test('runs the worker, as a user without rights, and asks it for its health where the page listens', () => {
    expect(dockerfile).toMatch(/^USER node$/m)
    expect(dockerfile).toMatch(/^CMD \["worker", "--config", "\/config\/stoker.yaml"\]$/m)
    expect(dockerfile).toContain(`fetch('http://127.0.0.1:${HTTP_DEFAULT.port}/healthz')`)
    expect(dockerfile).toMatch(new RegExp(`^EXPOSE ${HTTP_DEFAULT.port}$`, 'm'))
  })
})

test('with Compose it has no rights, a root that is read only, and a page for this machine alone', () => {
  expect(compose).toMatchObject({
    user: 'node',
    read_only: true,
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges:true'],
    ports: [`127.0.0.1:${HTTP_DEFAULT.port}:${HTTP_DEFAULT.port}`],
  })
})

test('on Kubernetes likewise, and never two at once', () => {
  expect(deployment.spec).toMatchObject({ replicas: 1, strategy: { type: 'Recreate' } })
  expect(deployment.spec.template.spec.securityContext).toMatchObject({ runAsNonRoot: true })
  expect(container).toMatchObject({
    ports: [{ name: 'http', containerPort: HTTP_DEFAULT.port }],
    livenessProbe: { httpGet: { path: '/healthz', port: 'http' } },
    readinessProbe: { httpGet: { path: '/readyz', port: 'http' } },
    securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
  })
})

test('the configuration in the Kubernetes example loads once its secrets are there', async () => {
  const yaml = documents.find(({ kind }) => kind === 'ConfigMap')!.data['stoker.yaml']!
  const { generateKeyPairSync } = await import('node:crypto')
  const jwk = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({ format: 'jwk' })
  const folder = await makeFolder({ 'hospital.jwk': JSON.stringify(jwk), ...OWN_VIEWS })
  const here = yaml.replaceAll('/secrets/', `${folder}/`).replace('lake: /lake', `lake: ${folder}/lake`)
  const place = await makeFolder({ 'stoker.yaml': here })
  const config = await loadConfig(join(place, 'stoker.yaml'), { STOKER_TOKEN: 'x'.repeat(32) }, 8 * 2 ** 30)
  expect(config.http).toMatchObject({ host: '0.0.0.0', port: HTTP_DEFAULT.port, isLoopback: false })
})
