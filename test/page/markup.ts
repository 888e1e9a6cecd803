/** What a test wants to know of a page's HTML, read with the smallest of parsers. */

export interface Tag {
  readonly name: string
  readonly attributes: ReadonlyMap<string, string>
}

/** Opening tags in their order. Attribute values must be quoted, as ours are. */
export function tagsOf(html: string): Tag[] {
  return [...html.matchAll(/<([a-z][a-z0-9]*)((?:\s+[a-zA-Z:-]+(?:="[^"]*")?)*)\s*\/?>/g)].map(([, name, text]) => ({
    name: name!,
    attributes: new Map(
      [...text!.matchAll(/([a-zA-Z:-]+)(?:="([^"]*)")?/g)].map(([, key, value]) => [key!, value ?? '']),
    ),
  }))
}

/** What is read on it: without tags, with each run of white space as one blank. */
export function textOf(html: string): string {
  return html
    .replace(/<(script|style|head)\b.*?<\/\1>/gs, ' ')
    .replace(/<[^>]+>/g, ' ')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&quot;/g, '"')
    .replace(/&#39;/g, "'")
    .replace(/&amp;/g, '&')
    .replace(/\s+/g, ' ')
    .replace(/ ([,.:;])/g, '$1')
}

export function linksOf(html: string): string[] {
  return tagsOf(html).flatMap(({ name, attributes }) => (name === 'a' ? [attributes.get('href') ?? ''] : []))
}
