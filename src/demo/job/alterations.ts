/** What every resource of an export undergoes before it leaves: what the client asked for, and what the server lacks. */
import type { ContentBehaviour } from '../behaviour/content-behaviour.ts'
import type { Alteration } from '../kick-off/elements.ts'
import type { FhirResource } from '../resource.ts'

/** Undefined where resources leave as they are stored. */
export function alteration(
  elements: Alteration | undefined,
  { versionMeta }: ContentBehaviour,
): Alteration | undefined {
  if (versionMeta) return elements
  return (resource) => withoutVersion(elements ? elements(resource) : resource)
}

function withoutVersion({ meta, ...resource }: FhirResource): FhirResource {
  const { versionId: _versionId, lastUpdated: _lastUpdated, ...rest } = meta ?? {}
  return { ...resource, ...(Object.keys(rest).length > 0 && { meta: rest }) }
}
