/** Whom or what a purge takes. */

export type PurgeSubject =
  | { readonly kind: 'source'; readonly source: string }
  /** The patient and all that is theirs, or one resource; of either every version. */
  | { readonly kind: 'patient' | 'resource'; readonly source: string; readonly type: string; readonly id: string }

/** As it is typed and as keys have it: `source/Type/id`, or the source alone. */
export function subjectKey(subject: PurgeSubject): string {
  return subject.kind === 'source' ? subject.source : `${subject.source}/${subject.type}/${subject.id}`
}

export function subjectOf(kind: PurgeSubject['kind'], key: string): PurgeSubject {
  if (kind === 'source') return { kind, source: key }
  const [source, type, id] = key.split('/') as [string, string, string]
  return { kind, source, type, id }
}

/** A regular expression, for RE2 as for JavaScript, that finds the word and not a longer one that has it in it. */
export function wordPattern(word: string): string {
  return `(?:^|[^A-Za-z0-9_~-])${word.replaceAll(/[.]/g, '\\.')}(?:[^A-Za-z0-9_~-]|$)`
}
