/** Sources that the lake has and the configuration lacks: renamed, or taken out. */

export function formerSources(inLake: readonly string[], configured: readonly string[]): readonly string[] {
  return inLake.filter((source) => !configured.includes(source))
}

export function formerText(source: string): string {
  return `no longer in the configuration: ${source}; its rows stay as they are`
}
