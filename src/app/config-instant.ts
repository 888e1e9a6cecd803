/** FHIR's `instant`, as the configuration may hold it. */

/** Seconds and zone are required; 30 February and 25 o'clock are none. */
export function isInstant(text: string): boolean {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-](0\d|1[0-4]):[0-5]\d)$/.exec(text)
  const asUtc = new Date(`${match?.[1] ?? ''}Z`)
  return match !== null && !Number.isNaN(asUtc.getTime()) && asUtc.toISOString().startsWith(match[1]!)
}
