/** Where a ViewDefinition's columns come from: the steps to their row, then their FHIRPath. */

interface Select {
  readonly forEach?: string
  readonly forEachOrNull?: string
  readonly repeat?: readonly string[]
  readonly column?: readonly { readonly name: string; readonly path: string }[]
  readonly select?: readonly Select[]
  readonly unionAll?: readonly Select[]
}

/** By column name, of a unionAll's column one for each branch. @param definition one that compiles */
export function columnSources(definition: unknown): ReadonlyMap<string, readonly string[]> {
  const sources = new Map<string, string[]>()
  const walk = (select: Select, outer: readonly string[]): void => {
    const step = select.forEach ?? select.forEachOrNull ?? select.repeat?.join(', ')
    const steps = step === undefined ? outer : [...outer, step]
    for (const { name, path } of select.column ?? []) {
      const source = [...steps, path].join(' → ')
      sources.set(name, [...(sources.get(name) ?? []), source])
    }
    for (const inner of [...(select.select ?? []), ...(select.unionAll ?? [])]) walk(inner, steps)
  }
  for (const select of (definition as { readonly select?: readonly Select[] }).select ?? []) walk(select, [])
  return sources
}
