/** The address of a request as it may be shown: what a parameter that is not the specification's says, stays unsaid. */

/** Bulk Data Access, "Bulk Data Kick-off Request". `patient` names people. */
const SHOWN: ReadonlySet<string> = new Set([
  '_outputFormat',
  '_since',
  '_until',
  '_type',
  '_elements',
  '_typeFilter',
  'includeAssociatedData',
  'organizeOutputBy',
  'allowPartialManifests',
])

/** A key in the query of a published manifest's address, or of a gateway's, becomes `…`. */
export function shownUrl(url: string): string {
  if (!URL.canParse(url)) return url.split('?', 1)[0]!
  const { origin, pathname, searchParams } = new URL(url)
  const parameters = [...searchParams].map(([name, value]) =>
    SHOWN.has(name)
      ? `${name}=${encodeURIComponent(value).replaceAll('%2C', ',').replaceAll('%3A', ':')}`
      : `${name}=…`,
  )
  return `${origin}${pathname}${parameters.length === 0 ? '' : `?${parameters.join('&')}`}`
}
